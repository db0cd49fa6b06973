"""规则包: law and rules as versioned data, from their files to the hour they judge."""
