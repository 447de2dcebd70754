"""The one way in which a person sees what customers sent: permission asked, look recorded, nothing cached."""

from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.services.stored_image import stored_image_show
from weilidai.lib.audit import Actor
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.net import client_ip


@require_GET
@permission_required("accounts.view_storedimage", raise_exception=True)
def stored_image(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """The JPEG; wrapped by the admin site, so that only staff with their second factor come here."""
    try:
        content = stored_image_show(
            image_id=image_id, actor=Actor.of(request.user), at=timezone.now(), ip=client_ip(request)
        )
    except ObjectNotFound as error:
        raise Http404 from error
    return HttpResponse(
        content,
        content_type="image/jpeg",
        headers={
            "Cache-Control": "no-store, private",
            "Content-Disposition": f'inline; filename="{image_id}.jpg"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )
