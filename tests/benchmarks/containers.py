"""The site in containers: how long it takes to be healthy, and how big the one image is."""

from tests.benchmarks.figures import Figure, NotMeasured, at_most
from tests.support.compose import ComposeProject, image_name, image_size
from tests.support.docker import compose_command

HEALTHY = "compose, images present, to healthy"
SIZE = "image size"


def measure() -> list[Figure]:
    """Seconds from `up` until every container is healthy and every job has ended well; megabytes of the image."""
    command = compose_command()
    if command is None:
        raise NotMeasured([HEALTHY, SIZE], "no Docker daemon with Compose answers")
    with ComposeProject(command) as project:
        count = len(project.containers())
        seconds = project.seconds_to_healthy
    size = image_size(image_name()) / 1_000_000
    return [
        at_most(HEALTHY, seconds, "s", 60, f"{count} containers, `{command}`"),
        at_most(SIZE, size, "MB", 350, "as Docker counts it"),
    ]
