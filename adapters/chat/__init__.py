"""Messages to a chat room's incoming webhook."""

from adapters.chat.adapter import Chat

__all__ = ["Chat"]
