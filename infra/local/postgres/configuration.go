package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
)

// maxSocketPath is what a Unix socket's address holds on Linux, less its terminator.
const maxSocketPath = 107

func (s *Server) writeConfiguration(o Options) error {
	if path := s.socketFile(); len(path) > maxSocketPath {
		return fmt.Errorf("use folder %s: the socket's path would be longer than %d bytes", s.Dir, maxSocketPath)
	}
	settings := s.settings()
	if o.TLS != nil {
		if err := s.writeCertificate(o); err != nil {
			return err
		}
		settings["ssl"] = "on"
	}
	for name, value := range o.Settings {
		settings[name] = value
	}
	if err := s.write("postgresql.conf", settingLines(settings)); err != nil {
		return err
	}
	for name, content := range o.Files {
		if err := s.write(name, content); err != nil {
			return err
		}
	}
	return s.writeHBA(o.HBA)
}

// settings trades every safety against a crash for speed: the data live no longer than the server.
func (s *Server) settings() map[string]string {
	return map[string]string{
		"listen_addresses":        s.Address,
		"port":                    fmt.Sprint(s.Port),
		"unix_socket_directories": s.socket(),
		"fsync":                   "off",
		"synchronous_commit":      "off",
		"full_page_writes":        "off",
		"shared_buffers":          "16MB",
		"log_min_messages":        "warning",
		"log_line_prefix":         "%m [%p] %q%u@%d ",
		"timezone":                "UTC",
		"password_encryption":     "scram-sha-256",
	}
}

func settingLines(settings map[string]string) string {
	lines := make([]string, 0, len(settings))
	for name, value := range settings {
		lines = append(lines, name+" = '"+strings.ReplaceAll(value, "'", "''")+"'\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func (s *Server) writeCertificate(o Options) error {
	certFile, keyFile, err := pki.WriteFiles(s.data(), *o.TLS)
	if err != nil {
		return fmt.Errorf("write server certificate: %w", err)
	}
	if err := s.owner.give(certFile); err != nil {
		return err
	}
	return s.owner.give(keyFile)
}

func (s *Server) writeHBA(lines []string) error {
	if len(lines) == 0 {
		lines = []string{"host all all all scram-sha-256"}
	}
	return s.write("pg_hba.conf", "local all "+Superuser+" trust\n"+strings.Join(lines, "\n")+"\n")
}

func (s *Server) write(name, content string) error {
	path := filepath.Join(s.data(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return s.owner.give(path)
}

func (s *Server) socketFile() string {
	return filepath.Join(s.socket(), fmt.Sprintf(".s.PGSQL.%d", s.Port))
}
