package prerequisites

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// postGISVersion: a dump creates the extension without its version, so the target's default one has to read what the
// source's wrote. PostGIS changes functions and storage between 3.4 and 3.5, not between 3.4.1 and 3.4.2.
func postGISVersion(p pair) []verdict {
	var found []verdict
	for _, d := range p.source.Databases {
		for _, x := range d.Extensions {
			offered, there := p.target.Server.Available[x.Name]
			if x.Name != "postgis" || !there {
				continue
			}
			have, can := release(string(x.Version)), release(string(offered))
			if have == nil || can == nil || slices.Compare(have, can) <= 0 {
				continue
			}
			found = append(found, verdict{advisory: slices.Equal(have[:2], can[:2]), args: finding.Args{
				"name": string(x.Name), "version": string(x.Version), "targetVersion": string(offered), "database": d.Name}})
		}
	}
	return found
}

// release reads major, minor and patch as numbers: 3.10 is later than 3.9. A part that is missing is 0, what follows a
// number (2.5.0dev) is left out, and nil is for what is no version, such as unpackaged.
func release(version string) []int {
	numbers := make([]int, 3)
	parts := strings.SplitN(version, ".", 4)
	for i, part := range parts[:min(len(parts), 3)] {
		if at := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' }); at >= 0 {
			part = part[:at]
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		numbers[i] = n
	}
	return numbers
}
