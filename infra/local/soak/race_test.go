//go:build race

package soak

// noiseMB counts the race detector's own memory: it remembers the last users of every address that was ever in use.
const noiseMB = 100
