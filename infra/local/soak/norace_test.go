//go:build !race

package soak

// noiseMB is what the runtime may hold more at one time than at another.
const noiseMB = 8
