"""Pictures that get their names together, and the folder that is made for them."""

from contextlib import suppress
from pathlib import Path

from ...core.atomic import AtomicFile
from ...core.errors import MediaError, WriteError
from ...core.signals import defer_signals


class PictureFiles:
    """The written pictures of a sink: at the end all of them get their names, or none that is new is left.

    `folder` is made if it is missing; None if there is nothing to make. `named` counts the pictures that
    `commit_each` has named.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder, self._is_new = folder, False
        self._files: list[AtomicFile] = []
        self.named = 0

    def __len__(self) -> int:
        return len(self._files)

    def make_folder(self) -> None:
        """Make the folder if it is missing.

        Raises:
            WriteError: it cannot be made.
        """
        if self._folder is None:
            return
        self._is_new = not self._folder.exists()
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise WriteError.from_os_error(self._folder, error) from error

    def add(self, file: AtomicFile) -> None:
        """Take a file before it is written."""
        self._files.append(file)

    def commit(self) -> None:
        """Give all pictures their names.

        Raises:
            MediaError: one cannot have it, because another program has just made a file of that name.
        """
        with defer_signals():
            for count, file in enumerate(self._files):
                try:
                    file.commit()
                except MediaError:
                    for named in self._files[:count]:
                        named.withdraw()
                    raise

    def commit_each(self) -> None:
        """Give every picture that was written its name, even if others cannot have theirs.

        Raises:
            MediaError: the first one's, once the others have their names.
        """
        failure: MediaError | None = None
        with defer_signals():
            for file in self._files:
                if file.path.exists():  # it could be written, and has no name yet
                    try:
                        file.commit()
                        self.named += 1
                    except MediaError as error:
                        failure = failure or error
        if failure is not None:
            raise failure

    def discard(self) -> None:
        """Remove what was written, and the folder if it was made for it."""
        for file in self._files:
            file.discard()  # does nothing once the file has its name
        if self._folder is not None and self._is_new:
            with suppress(OSError):
                self._folder.rmdir()  # fails, as it should, unless the folder is empty
