module sociometer/reader

go 1.26
