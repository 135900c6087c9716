"""A mapping as a spreadsheet: written with the choices of its connection, read back by the cell.

layout.py    which sheets there are, their columns, and what stands in them
cells.py     how a text or a value is written into a cell, and what a cell means
steps.py     how the transformations of a row are written: cut(length=80) | upper
writing.py   the workbook, filled with a mapping and the lists to choose from
guide.py     its pages to read: how to fill it in, and the transformations
package.py   judges an uploaded file before anything of it is unpacked or parsed
reading.py   the workbook as a document: what it says, and in which cell
"""
