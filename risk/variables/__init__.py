"""The variables of scoring: measures kept per day, families that turn them into 2 000 and more named values (R16).

`measures` says what is kept, `catalogue` what is computed from it and how it is called, `compute` does it for one
customer or many in the same exact integers. Nothing here is derived from the content of chats (R19).
"""
