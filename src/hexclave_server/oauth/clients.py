"""Who an application is to our authorization endpoints: its project, and the publishable key that its browsers hold (contract 03 §1.1)."""

from __future__ import annotations

from hexclave_server.core.context import MAIN_BRANCH, KeyKind, Parts, Project
from hexclave_server.core.known_errors import InvalidPublishableClientKey, PublishableClientKeyRequiredForProject

NO_KEY = "__stack_public_client__"


async def find_client(parts: Parts, client_id: str) -> Project | None:
    """The project that `client_id` names: `<project id>`, or `<project id>#main`; None for an unknown project or branch."""
    project_id, separator, branch_id = client_id.partition("#")
    if separator and branch_id != MAIN_BRANCH:
        return None
    return await parts.directory.find_project(project_id.lower())


async def require_client_key(parts: Parts, project: Project, client_secret: str) -> None:
    """Checks a publishable key, or the word for none where the project needs none.

    Raises InvalidPublishableClientKey, PublishableClientKeyRequiredForProject.
    """
    if client_secret == NO_KEY:
        if project.requires_publishable_client_key:
            raise PublishableClientKeyRequiredForProject(project_id=project.id)
    elif not await parts.directory.key_is_valid(project, KeyKind.PUBLISHABLE_CLIENT, client_secret):
        raise InvalidPublishableClientKey(project_id=project.id)
