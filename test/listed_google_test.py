"""A module of its own because lit sends test formats to its workers by name."""

import os

import lit.formats


class ListedGoogleTest(lit.formats.GoogleTest):
    """gtest binaries of this configuration only: a build folder keeps those of removed tests."""

    def __init__(self, names):
        super().__init__(".", "_test")
        self.names = set(names)

    def getGTestTests(self, path, litConfig, localConfig):
        if os.path.basename(path) in self.names:
            yield from super().getGTestTests(path, litConfig, localConfig)
