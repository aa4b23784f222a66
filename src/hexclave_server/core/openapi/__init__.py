"""OpenAPI 3.1 documents, one per access type, generated from the endpoints' declarations, and a page to read them.

Nothing is said twice: shapes, limits, errors and access come from the objects that the dispatcher itself works with.
"""

from hexclave_server.core.openapi.document import document
from hexclave_server.core.openapi.endpoints import documents

__all__ = ["document", "documents"]
