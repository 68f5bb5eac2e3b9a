package request

import (
	"crypto/sha256"
	"encoding/hex"
)

// Decode reads one request, plain or inside a CloudEvents or Event Grid event, fills in the defaults and validates it.
// FallbackID (the message id) stands in for a missing id; with neither, ID stays empty. Every error is a *Problem.
func Decode(body []byte, fallbackID string) (Check, error) {
	tree, problem := parse(body)
	message := unwrap(tree)
	if problem = first(problem, message.problem); problem == nil {
		var check Check
		if check, problem = read(message.request); problem == nil {
			check.ID = idOr(check.ID, fallbackID, message.eventID)
			return check, nil
		}
	}
	return Check{}, salvage(*problem, message, fallbackID)
}

// idOr takes the id that the requester gave, else that of the message, else that of the event.
func idOr(id string, fallbacks ...string) string {
	for _, fallback := range fallbacks {
		if id == "" {
			id = idFrom(fallback)
		}
	}
	return id
}

// idFrom makes a check id of any message id. The same message gives the same id on every delivery.
func idFrom(fallback string) string {
	if fallback == "" || beName(fallback) == "" {
		return fallback
	}
	sum := sha256.Sum256([]byte(fallback))
	return "msg-" + hex.EncodeToString(sum[:16])
}

// salvage adds to a problem what is sound in the request that has it.
func salvage(problem Problem, message unwrapped, fallbackID string) *Problem {
	members, _ := message.request.(map[string]any)
	sound := func(name string, allowed rule) string {
		text, _ := members[name].(string)
		if allowed(text) != "" || holdsSecret(name, text) {
			return ""
		}
		return text
	}
	problem.ID = idOr(sound("id", beName), fallbackID, message.eventID)
	problem.Route = sound("route", beName)
	problem.Wave = sound("wave", beName)
	problem.RequestedBy = sound("requestedBy", bePrintable(maxRequestedBy))
	problem.Notify = salvageNotify(members["notify"])
	return &problem
}

// salvageNotify reads each way by itself, so that a mistake in one does not silence the others. What looks like a secret
// is left alone: it must not be kept.
func salvageNotify(tree any) Notify {
	members, _ := tree.(map[string]any)
	alone := func(name string) Notify {
		r := &reader{}
		found := readNotify(open[Notify](r, map[string]any{name: members[name]}, "notify"))
		for _, text := range []string{found.ReplyTo, found.CallbackURL, found.Ticket.System, found.Ticket.ID} {
			if r.problem != nil || holdsSecret("notify."+name, text) {
				return Notify{}
			}
		}
		return found
	}
	return Notify{ReplyTo: alone("replyTo").ReplyTo, CallbackURL: alone("callbackUrl").CallbackURL,
		Ticket: alone("ticket").Ticket}
}

func read(tree any) (Check, *Problem) {
	members, isObject := tree.(map[string]any)
	if !isObject {
		return Check{}, invalid("", "must be an object, not "+kindOf(tree))
	}
	if problem := checkVersion(members); problem != nil {
		return Check{}, problem
	}
	r := &reader{}
	check := readCheck(open[Check](r, tree, ""))
	if r.problem == nil && check.needsLogin() {
		r.problem = checkLogins(check)
	}
	return check, r.problem
}

// checkVersion comes before everything else: the fields of a later version would be unknown ones.
func checkVersion(members map[string]any) *Problem {
	r := &reader{}
	root := object{reader: r, members: members}
	if members["version"] == nil {
		return invalid("version", "is required: 1")
	}
	root.number("version", bounds{low: 1, high: 1})
	if r.problem != nil {
		return invalid("version", "must be 1, the only version there is")
	}
	return nil
}

func readCheck(o object) Check {
	check := Check{
		Version: 1,
		ID:      o.text("id", beName),
		Route:   o.text("route", beName),
		Wave:    o.text("wave", beName),
		Mode:    choice(o, "mode", Offline, Offline, Online),
		Depth: choice(o, "depth", DepthPrerequisites,
			DepthResolve, DepthConnect, DepthTLS, DepthLogin, DepthPrerequisites),
		Scenario:       readScenario(child[Scenario](o, "scenario")),
		Source:         readEndpoint(o, "source"),
		Target:         readEndpoint(o, "target"),
		ServerVantage:  o.flag("serverVantage"),
		Azure:          readAzure(child[Azure](o, "azure")),
		TimeoutSeconds: o.number("timeoutSeconds", bounds{low: 1, high: 120, preset: 30}),
		Notify:         readNotify(child[Notify](o, "notify")),
		RequestedBy:    o.text("requestedBy", bePrintable(maxRequestedBy)),
	}
	check.Target.Databases = orMaintenance(check.Target.Databases)
	if o.given("runtimeServer") {
		runtime := readEndpoint(o, "runtimeServer")
		runtime.Databases = orMaintenance(runtime.Databases)
		check.RuntimeServer = &runtime
	}
	return check
}

// orMaintenance falls back on the database that every server has, and that the migration service itself logs in to.
func orMaintenance(databases []string) []string {
	if len(databases) == 0 {
		return []string{"postgres"}
	}
	return databases
}

func readScenario(o object) Scenario {
	source := child[SourcePlace](o, "source")
	target := child[TargetPlace](o, "target")
	return Scenario{
		Source: SourcePlace{
			Kind: choice(source, "kind", "", OnPremises, AmazonRDS, AmazonAurora, GoogleCloudSQL, GoogleAlloyDB,
				AzureVM, AzureSingleServer, EDB, Heroku, Other),
			Access: choice(source, "access", "", Public, Private, PrivateEndpoint),
		},
		Target:             TargetPlace{Access: choice(target, "access", "", Public, VNetIntegrated, PrivateEndpoint)},
		SameVirtualNetwork: o.flag("sameVirtualNetwork"),
	}
}

func readEndpoint(parent object, name string) Endpoint {
	if !parent.given(name) {
		parent.reader.fail(parent.at(name), "is required")
		return Endpoint{}
	}
	o := child[Endpoint](parent, name)
	if !o.given("host") {
		o.reader.fail(o.at("host"), "is required")
	}
	credential := child[Credential](o, "credential")
	tls := child[TLS](o, "tls")
	return Endpoint{
		Host:       o.text("host", beHost),
		Port:       o.number("port", bounds{low: 1, high: 65535, preset: 5432}),
		Address:    o.text("address", beAddress),
		Databases:  o.texts("databases", maxDatabases, beDatabase),
		User:       o.text("user", beUser),
		Credential: readCredential(credential),
		TLS: TLS{
			Mode:         choice(tls, "mode", TLSRequire, TLSDisable, TLSRequire, TLSVerifyCA, TLSVerifyFull),
			RootsSetting: tls.text("rootsSetting", beSetting),
		},
	}
}

func readCredential(o object) Credential {
	credential := Credential{
		Setting:        o.text("setting", beSetting),
		KeyVaultSecret: o.text("keyVaultSecret", beVaultSecret),
		Entra:          o.flag("entra"),
	}
	ways := 0
	for _, used := range []bool{credential.Setting != "", credential.KeyVaultSecret != "", credential.Entra} {
		if used {
			ways++
		}
	}
	if ways > 1 {
		o.reader.fail(o.path, "must have only one of setting, keyVaultSecret, entra")
	}
	return credential
}

func readAzure(o object) Azure {
	return Azure{
		TargetResourceID:        o.text("targetResourceId", beResource(flexibleServer)),
		SourceResourceID:        o.text("sourceResourceId", beResource(sourceTypes()...)),
		RuntimeServerResourceID: o.text("runtimeServerResourceId", beResource(flexibleServer)),
		VantageSubnetID:         o.text("vantageSubnetId", beResource(subnet)),
	}
}

func readNotify(o object) Notify {
	ticket := child[Ticket](o, "ticket")
	if ticket.given("system") != ticket.given("id") {
		o.reader.fail(ticket.path, "must have both system and id, or neither")
	}
	return Notify{
		ReplyTo:     o.text("replyTo", beQueue),
		CallbackURL: o.text("callbackUrl", beCallback),
		Ticket:      Ticket{System: ticket.text("system", beName), ID: ticket.text("id", bePrintable(maxTicketID))},
	}
}

// needsLogin tells whether the depth asks for a login, and so for a user and a credential.
func (c Check) needsLogin() bool { return c.Depth == DepthLogin || c.Depth == DepthPrerequisites }

func checkLogins(c Check) *Problem {
	if len(c.Source.Databases) == 0 {
		return invalid("source.databases", "must name the databases to migrate, or ask for depth tls")
	}
	problem := first(checkLogin("source", c.Source), checkLogin("target", c.Target))
	if problem == nil && c.RuntimeServer != nil {
		problem = checkLogin("runtimeServer", *c.RuntimeServer)
	}
	return problem
}

func checkLogin(name string, e Endpoint) *Problem {
	if e.User == "" {
		return invalid(name+".user", "is required to log in, or ask for depth tls")
	}
	if e.Credential == (Credential{}) {
		return invalid(name+".credential",
			"is required to log in (setting, keyVaultSecret or entra), or ask for depth tls")
	}
	return nil
}
