package lab

// loginSituations are those from the startup packet on: pg_hba.conf, accounts, the server's state, gateways and poolers
// that speak for it, and peers that break the conversation.
func loginSituations() []situation {
	return slicesOf(accountSituations(), stateSituations(), gatewaySituations(), poolerSituations(), hostileLogins())
}
