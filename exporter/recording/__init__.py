"""Recording what AWS answers, and answering from it again.

``Recorder`` writes the calls of an ``Api``. ``Recording`` reads them, and ``World`` answers from them as AWS did.
"""

from exporter.recording.api import RecordedApi
from exporter.recording.calls import Call
from exporter.recording.configuration import number_of
from exporter.recording.events import Recording, Survey
from exporter.recording.file import RecordingError, Writer
from exporter.recording.pace import Pace
from exporter.recording.recorder import Recorder
from exporter.recording.world import Refused, World

__all__ = [
    "Call",
    "Pace",
    "RecordedApi",
    "Recorder",
    "Recording",
    "RecordingError",
    "Refused",
    "Survey",
    "World",
    "Writer",
    "number_of",
]
