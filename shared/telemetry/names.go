package telemetry

import "go.opentelemetry.io/otel/attribute"

// Scope is the instrumentation scope of everything here.
const Scope = "github.com/pgpreflight/pgpreflight"

// The metrics. docs/telemetry.md says what each is for, and a test holds that it does.
const (
	MetricChecks             = "pgpreflight.checks"
	MetricCheckDuration      = "pgpreflight.check.duration"
	MetricLayerDuration      = "pgpreflight.layer.duration"
	MetricQueueAge           = "pgpreflight.queue.age"
	MetricRetries            = "pgpreflight.retries"
	MetricNotifications      = "pgpreflight.notifications"
	MetricInvocationDuration = "pgpreflight.invocation.duration"
)

// The attributes. None holds the name, address, user or database of an endpoint: a backend of telemetry is read by more
// people than reports are, and the check's id leads to the report.
const (
	AttrVerdict     = attribute.Key("pgpreflight.verdict")
	AttrBrokenLayer = attribute.Key("pgpreflight.first_broken.layer")
	AttrBrokenLeg   = attribute.Key("pgpreflight.first_broken.leg")
	AttrBrokenCode  = attribute.Key("pgpreflight.first_broken.code")
	AttrCheck       = attribute.Key("pgpreflight.check.id")
	AttrRoute       = attribute.Key("pgpreflight.route")
	AttrWave        = attribute.Key("pgpreflight.wave")
	AttrMode        = attribute.Key("pgpreflight.mode")
	AttrDepth       = attribute.Key("pgpreflight.depth")
	AttrLeg         = attribute.Key("pgpreflight.leg")
	AttrFrom        = attribute.Key("pgpreflight.from")
	AttrLayer       = attribute.Key("pgpreflight.layer")
	AttrStatus      = attribute.Key("pgpreflight.status")
	AttrCodes       = attribute.Key("pgpreflight.codes")
	AttrRetry       = attribute.Key("pgpreflight.retry")
	AttrWay         = attribute.Key("pgpreflight.notification.way")
	AttrState       = attribute.Key("pgpreflight.notification.state")
	AttrInvocation  = attribute.Key("faas.invocation_id")
	AttrFunction    = attribute.Key("faas.name")
	AttrOutcome     = attribute.Key("pgpreflight.outcome")
	AttrMethod      = attribute.Key("http.request.method")
	AttrHTTPRoute   = attribute.Key("http.route")
	AttrHTTPStatus  = attribute.Key("http.response.status_code")
)

// none stands where nothing is broken: a dimension without a value is hard to chart.
const none = "none"
