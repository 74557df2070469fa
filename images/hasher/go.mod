module sociometer/hasher

go 1.26
