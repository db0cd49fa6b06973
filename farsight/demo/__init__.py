"""演示省份: the demo province and its stories, as data beside the code that reads them."""
