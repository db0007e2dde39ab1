package embedpg

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// passfile is what a pgpass file of ours says.
type passfile struct {
	port     int
	password string // letters and digits: nothing to escape
}

// text is the file: a line for each name that a client may use for loopback.
func (p passfile) text() string {
	return fmt.Sprintf("127.0.0.1:%d:*:%s:%s\nlocalhost:%[1]d:*:%[2]s:%[3]s\n", p.port, superuser, p.password)
}

// readPassfile reads what text wrote. What it cannot read is as good as lost:
// the result is zero and a new password will be set.
func readPassfile(file string) passfile {
	text, err := os.ReadFile(file)
	if err != nil {
		return passfile{}
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Split(line, ":")
	if len(fields) != 5 || fields[3] != superuser || fields[4] == "" {
		return passfile{}
	}
	port, err := strconv.Atoi(fields[1])
	if err != nil {
		return passfile{}
	}
	return passfile{port: port, password: fields[4]}
}

// newPassword is a password of at least 128 random bits.
func newPassword() string { return rand.Text() }

// scramVerifier is what PostgreSQL stores for a password, so that the password
// itself is in no statement (RFC 5802, RFC 7677; PostgreSQL documentation
// 53.8, pg_authid).
func scramVerifier(password string) (string, error) {
	const iterations, saltBytes = 4096, 16
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	keyed := func(label string) []byte {
		mac := hmac.New(sha256.New, salted)
		mac.Write([]byte(label))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(keyed("Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, b64(salt), b64(stored[:]), b64(keyed("Server Key"))), nil
}
