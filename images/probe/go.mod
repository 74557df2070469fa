module sociometer/probe

go 1.26
