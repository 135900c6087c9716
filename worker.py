"""`python worker.py [QUEUE ...]`: one RQ worker of the hub; start as many as there is work for."""

from connector.workers import main

if __name__ == "__main__":
    main()
