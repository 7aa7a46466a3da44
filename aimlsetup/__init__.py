"""aimlsetup: a Linux host from bare to a serving AI API."""
