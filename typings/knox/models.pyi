from typing import Any, ClassVar

from django.db import models

class AuthTokenManager(models.Manager[Any]):
    # Answers the row and the token itself.
    def create(self, *args: Any, **kwargs: Any) -> Any: ...

class AbstractAuthToken(models.Model):
    objects: ClassVar[AuthTokenManager]
    digest = models.CharField(max_length=128, primary_key=True)
    token_key = models.CharField(max_length=25)
    created = models.DateTimeField(auto_now_add=True)
    expiry = models.DateTimeField(null=True, blank=True)
    class Meta:
        abstract = True
