package local

// CreateTable is for tests that bring a table of their own.
var CreateTable = createTable
