"""What the admin's autodiscovery finds in the roof."""

from weilidai.backoffice import customer_page, operations

__all__ = ["customer_page", "operations"]
