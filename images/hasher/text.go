package main

import (
	"fmt"
	"io"
	"strings"
)

var escapes = strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\r", "\\r")

// oneLine makes a file name fit on one line, as coreutils writes it.
func oneLine(path string) string {
	return escapes.Replace(path)
}

// writeText prints one line a hash in the tagged format that `md5sum --check` and its like read back. As
// with them, a line whose file name had to be escaped starts with a backslash.
func writeText(out io.Writer, sums Sums) error {
	name, mark := oneLine(sums.Path), ""
	if name != sums.Path {
		mark = "\\"
	}
	for _, sum := range sums.named() {
		if _, err := fmt.Fprintf(out, "%s%s (%s) = %s\n", mark, sum[0], name, sum[1]); err != nil {
			return err
		}
	}
	return nil
}
