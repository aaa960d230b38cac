"""The metric table, its rendering, and the answers to scrapes."""

from exporter.exposition.families import families_in_force
from exporter.exposition.format import Format
from exporter.exposition.publish import Published, Publisher
from exporter.exposition.scrape import scrape
from exporter.exposition.targets import TargetCollector

__all__ = ["Format", "Published", "Publisher", "TargetCollector", "families_in_force", "scrape"]
