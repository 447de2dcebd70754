from typing import Any

from django.contrib import admin
from django.http import HttpRequest

class ModelAdmin(admin.ModelAdmin[Any]):
    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]: ...

class TabularInline(admin.TabularInline[Any, Any]): ...
