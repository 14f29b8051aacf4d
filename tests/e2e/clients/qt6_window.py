"""A Qt 6 window that keeps still; run by the system's Python. Says "shown", and typed characters as "typed X"."""

from __future__ import annotations

import signal
import sys

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication, QCheckBox, QLabel, QProgressBar, QVBoxLayout, QWidget


class Window(QWidget):
    def __init__(self, title: str) -> None:
        super().__init__()
        self.setWindowTitle(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("A label with some text: äöü 12345"))
        bar = QProgressBar()
        bar.setValue(40)
        layout.addWidget(bar)
        box = QCheckBox("A check box")
        box.setChecked(True)
        box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout.addWidget(box)
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        print(f"typed {event.text()}", flush=True)


signal.signal(signal.SIGTERM, signal.SIG_DFL)
application = QApplication(sys.argv[:1])
application.setStyle("Fusion")
application.setDesktopFileName("wlproxy.e2e.qt")
window = Window(sys.argv[1])
window.show()
QTimer.singleShot(0, lambda: print("shown", flush=True))
sys.exit(application.exec())
