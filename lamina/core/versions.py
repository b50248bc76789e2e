"""The versions that files name."""

# Lamina's own.
LAMINA = "0.1.0"
# The version of Keras whose files these are, as files and programs see them.
KERAS = "3.15.1"


def newer(version: str, known: str) -> bool:
    """Whether the first two numbers of `version` are above those of `known`.

    Example:
        >>> newer("3.16.0", "3.15.1"), newer("3.15.9", "3.15.1"), newer("unknown", "3.15.1")
        (True, False, False)
    """

    def numbers(text: str) -> list[int]:
        return [int(part) if part.isdigit() else 0 for part in text.split(".")[:2]]

    return numbers(str(version)) > numbers(known)
