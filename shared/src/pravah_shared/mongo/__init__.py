"""MongoDB, and the only place that knows its driver (docs/adr/0003).

Motor serves today; PyMongo Async serves the same surface, and the contract suite in
`shared/tests/mongo` runs on both, so the day to switch is a change of one default.
"""

from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne

from pravah_shared.mongo.collection import Collection, Document, Filter, Write
from pravah_shared.mongo.database import Database, Engine

__all__ = [
    "Collection",
    "Database",
    "DeleteOne",
    "Document",
    "Engine",
    "Filter",
    "InsertOne",
    "ReplaceOne",
    "UpdateOne",
    "Write",
]
