package login

import (
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// usualIterations is PostgreSQL's default, and the least that RFC 7677 advises.
const usualIterations = 4096

// Expect is what the request says about the endpoint, for the judgement.
type Expect struct {
	Host     string
	Port     int
	Kind     request.Kind
	User     string
	Database string
	// Entra says that the password was an access token.
	Entra bool
	// TLSOffered is the tls layer's answer: does the server offer TLS at all?
	TLSOffered Tri
}

// Judge says what one attempt means. It returns at most one finding that broke the login, or those that a working one
// leaves to tell.
func Judge(o Observation, e Expect) []finding.Finding {
	if code, args, found := broken(o, e); found {
		return []finding.Finding{observed(o, code, args)}
	}
	if !o.Passed() {
		return nil
	}
	return remarks(o, e)
}

func observed(o Observation, code finding.Code, args finding.Args) finding.Finding {
	args["attempt"], args["tls"], args["stage"] = o.Attempt, o.TLS, string(o.Stage)
	return finding.Finding{Code: code, Layer: finding.Login, Args: args}
}

func broken(o Observation, e Expect) (finding.Code, finding.Args, bool) {
	switch {
	case o.Violation != "":
		code, args := violated(o)
		return code, args, true
	case o.Error != nil:
		code, args := Classify(*o.Error, circumstances(o, e))
		return code, args, true
	case o.Stopped != "":
		return stopped(o)
	case o.Farewell != nil && o.End != "":
		code, args := Classify(*o.Farewell, circumstances(o, e))
		return code, args, true
	case !o.Passed() && o.QueryError != nil:
		code, args := Classify(*o.QueryError, circumstances(o, e))
		return code, args, true
	}
	return ended(o, e)
}

func circumstances(o Observation, e Expect) Circumstances {
	encrypted := No
	if o.TLS {
		encrypted = Yes
	}
	return Circumstances{
		TLS: encrypted, TLSOffered: e.TLSOffered, Host: e.Host, Port: e.Port, Kind: e.Kind, User: e.User,
		Database: e.Database, Replication: o.Replication, Entra: e.Entra,
	}
}

func violated(o Observation) (finding.Code, finding.Args) {
	if o.Violation == ViolationNotPostgres {
		return finding.PeerNotPostgres, finding.Args{"looksLike": o.LooksLike, "firstBytes": o.FirstBytes}
	}
	return finding.ProtocolViolation, finding.Args{"violation": string(o.Violation), "detail": o.ViolationDetail}
}

// stopped judges why we went away. StopPasswordNever is no finding: the server asked, which is all that was wanted.
func stopped(o Observation) (finding.Code, finding.Args, bool) {
	args := finding.Args{"method": strings.Join(o.AuthMethods, ", ")}
	switch o.Stopped {
	case StopCleartext:
		args["verified"] = o.TLSVerified
		return finding.AuthCleartextRefused, args, true
	case StopPasswordMissing:
		args["reason"] = "empty"
		return finding.CredentialUnavailable, args, true
	case StopMethodUnsupported:
		args["reason"] = "method"
		return finding.AuthMethodUnsupported, args, true
	case StopChannelBinding:
		args["reason"] = "channel_binding"
		return finding.AuthMethodUnsupported, args, true
	}
	return "", nil, false
}

// ended judges a connection that ended without a word of PostgreSQL. Our own cancelling proves nothing.
func ended(o Observation, e Expect) (finding.Code, finding.Args, bool) {
	args := finding.Args{"bytesIn": o.BytesIn, "passwordSent": o.PasswordSent}
	switch o.End {
	case EndTimeout:
		args["elapsedMs"] = o.ElapsedMs
		if o.BytesIn == 0 && !o.TLS && e.TLSOffered == Unknown {
			// Nobody has heard a byte from there: an open port alone proves no server.
			return finding.PeerSilent, args, true
		}
		return finding.LoginStalled, args, true
	case EndClosed:
		return finding.PeerClosed, args, true
	case EndReset:
		return finding.PeerReset, args, true
	case EndAlert:
		args["alert"] = o.Alert
		if o.ClientCertificateRequired {
			return finding.TLSClientCertificateRequired, args, true
		}
		return finding.TLSHandshake, args, true
	case EndError:
		args["violation"], args["detail"] = "connection", o.EndDetail
		return finding.ProtocolViolation, args, true
	}
	return "", nil, false
}

// remarks are what a working login leaves to tell.
func remarks(o Observation, e Expect) []finding.Finding {
	var found []finding.Finding
	if o.InRecovery != nil && *o.InRecovery {
		f := observed(o, finding.ServerStandby, finding.Args{"inRecovery": true})
		f.Advisory = true
		found = append(found, f)
	}
	method := finding.Args{"method": o.AuthUsed}
	switch {
	case o.AuthUsed == MethodTrust:
		found = append(found, observed(o, finding.AuthTrust, method))
	case o.AuthUsed == MethodMD5, o.AuthUsed == MethodPassword && !e.Entra:
		found = append(found, observed(o, finding.AuthMethodWeak, method))
	case o.Iterations > 0 && o.Iterations < usualIterations:
		method["iterations"] = o.Iterations
		found = append(found, observed(o, finding.AuthMethodWeak, method))
	}
	if len(o.PoolerSigns) > 0 {
		f := observed(o, finding.ServerPooler, finding.Args{"signs": o.PoolerSigns})
		f.Advisory = true
		found = append(found, f)
	}
	return found
}
