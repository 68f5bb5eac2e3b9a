package lab

// kept are things that live as long as a bench, because they take long to start: a PostgreSQL server, for one.
type kept map[string]interface{ Close() error }

// once makes something at its first use on a bench; it is closed with the bench.
func once[T interface{ Close() error }](b *bench, name string, make func() (T, error)) T {
	if there, ok := b.kept[name]; ok {
		return there.(T)
	}
	made, err := make()
	must(err)
	b.kept[name] = made
	return made
}
