package finding

// Code names a cause. Codes are a public interface: they are append-only, never renamed and never reused.
// Their words, severity and owner live in the catalogue.
type Code string

// Codes of the part "request and scenario".
const (
	RequestInvalid               Code = "REQUEST_INVALID"
	RequestSecretInline          Code = "REQUEST_SECRET_INLINE"
	RequestTargetNotAllowed      Code = "REQUEST_TARGET_NOT_ALLOWED"
	RequestExhausted             Code = "REQUEST_EXHAUSTED"
	CredentialUnavailable        Code = "CREDENTIAL_UNAVAILABLE"
	ScenarioUnsupported          Code = "SCENARIO_UNSUPPORTED"
	ScenarioUndocumented         Code = "SCENARIO_UNDOCUMENTED"
	ScenarioRuntimeServerMissing Code = "SCENARIO_RUNTIME_SERVER_MISSING"
	ScenarioMismatch             Code = "SCENARIO_MISMATCH"
	VantageServerNotAsked        Code = "VANTAGE_SERVER_NOT_ASKED"
	VantageNotIntegrated         Code = "VANTAGE_NOT_INTEGRATED"
)

// Codes of the part "resolve".
const (
	DNSNameNotFound               Code = "DNS_NAME_NOT_FOUND"
	DNSNoAddress                  Code = "DNS_NO_ADDRESS"
	DNSPrivateLinkRecordMissing   Code = "DNS_PRIVATELINK_RECORD_MISSING"
	DNSPublicWherePrivateExpected Code = "DNS_PUBLIC_WHERE_PRIVATE_EXPECTED"
	DNSPrivateWherePublicExpected Code = "DNS_PRIVATE_WHERE_PUBLIC_EXPECTED"
	DNSServerFailure              Code = "DNS_SERVER_FAILURE"
	DNSRefused                    Code = "DNS_REFUSED"
	DNSTimeout                    Code = "DNS_TIMEOUT"
	DNSAnswersDiffer              Code = "DNS_ANSWERS_DIFFER"
	DNSIPv6Only                   Code = "DNS_IPV6_ONLY"
	DNSCNAMELoop                  Code = "DNS_CNAME_LOOP"
	DNSHostIsAddress              Code = "DNS_HOST_IS_ADDRESS"
	DNSHostFormUnsupported        Code = "DNS_HOST_FORM_UNSUPPORTED"
)

// Codes of the part "connect".
const (
	TCPTimeout             Code = "TCP_TIMEOUT"
	TCPRefused             Code = "TCP_REFUSED"
	TCPHostUnreachable     Code = "TCP_HOST_UNREACHABLE"
	TCPNetworkUnreachable  Code = "TCP_NETWORK_UNREACHABLE"
	TCPNotPermitted        Code = "TCP_NOT_PERMITTED"
	TCPLocalPortsExhausted Code = "TCP_LOCAL_PORTS_EXHAUSTED"
	TCPIntermittent        Code = "TCP_INTERMITTENT"
	TCPSlow                Code = "TCP_SLOW"
)

// Codes of the part "tls (from the first byte after TCP)".
const (
	PeerSilent                   Code = "PEER_SILENT"
	PeerClosed                   Code = "PEER_CLOSED"
	PeerReset                    Code = "PEER_RESET"
	PeerNotPostgres              Code = "PEER_NOT_POSTGRES"
	TLSNotOffered                Code = "TLS_NOT_OFFERED"
	TLSUntrusted                 Code = "TLS_UNTRUSTED"
	TLSNameMismatch              Code = "TLS_NAME_MISMATCH"
	TLSExpired                   Code = "TLS_EXPIRED"
	TLSNotYetValid               Code = "TLS_NOT_YET_VALID"
	TLSExpiresSoon               Code = "TLS_EXPIRES_SOON"
	TLSVersion                   Code = "TLS_VERSION"
	TLSHandshake                 Code = "TLS_HANDSHAKE"
	TLSClosed                    Code = "TLS_CLOSED"
	TLSReset                     Code = "TLS_RESET"
	TLSNotTLS                    Code = "TLS_NOT_TLS"
	TLSStalled                   Code = "TLS_STALLED"
	TLSClientCertificateRequired Code = "TLS_CLIENT_CERTIFICATE_REQUIRED"
	TLSIntercepted               Code = "TLS_INTERCEPTED"
)

// Codes of the part "login".
const (
	HBATLSRequired             Code = "HBA_TLS_REQUIRED"
	HBAAddressNotAllowed       Code = "HBA_ADDRESS_NOT_ALLOWED"
	HBARejected                Code = "HBA_REJECTED"
	HBAReplication             Code = "HBA_REPLICATION"
	AzurePublicAccessDisabled  Code = "AZURE_PUBLIC_ACCESS_DISABLED"
	AzureServiceEndpointIPv6   Code = "AZURE_SERVICE_ENDPOINT_IPV6"
	AuthUserFormat             Code = "AUTH_USER_FORMAT"
	AuthFailed                 Code = "AUTH_FAILED"
	AuthRoleMissing            Code = "AUTH_ROLE_MISSING"
	AuthRoleCannotLogin        Code = "AUTH_ROLE_CANNOT_LOGIN"
	AuthMethodUnsupported      Code = "AUTH_METHOD_UNSUPPORTED"
	AuthCleartextRefused       Code = "AUTH_CLEARTEXT_REFUSED"
	EntraTokenAudience         Code = "ENTRA_TOKEN_AUDIENCE"
	EntraTokenExpired          Code = "ENTRA_TOKEN_EXPIRED"
	EntraTokenInvalid          Code = "ENTRA_TOKEN_INVALID"
	EntraPrincipalMismatch     Code = "ENTRA_PRINCIPAL_MISMATCH"
	EntraGroup                 Code = "ENTRA_GROUP"
	EntraPooler                Code = "ENTRA_POOLER"
	DatabaseMissing            Code = "DATABASE_MISSING"
	DatabaseNoConnectPrivilege Code = "DATABASE_NO_CONNECT_PRIVILEGE"
	DatabaseNotAccepting       Code = "DATABASE_NOT_ACCEPTING"
	ServerStarting             Code = "SERVER_STARTING"
	ServerShuttingDown         Code = "SERVER_SHUTTING_DOWN"
	ServerRecovering           Code = "SERVER_RECOVERING"
	ServerStandby              Code = "SERVER_STANDBY"
	ServerFull                 Code = "SERVER_FULL"
	ServerFullReserved         Code = "SERVER_FULL_RESERVED"
	RoleConnectionLimit        Code = "ROLE_CONNECTION_LIMIT"
	DatabaseConnectionLimit    Code = "DATABASE_CONNECTION_LIMIT"
	ServerPooler               Code = "SERVER_POOLER"
	LoginStalled               Code = "LOGIN_STALLED"
	ServerError                Code = "SERVER_ERROR"
	ProtocolViolation          Code = "PROTOCOL_VIOLATION"
)

// Codes of the part "prerequisites".
const (
	PreVersionTooOld         Code = "PRE_VERSION_TOO_OLD"
	PreVersionTargetOlder    Code = "PRE_VERSION_TARGET_OLDER"
	PreWALLevel              Code = "PRE_WAL_LEVEL"
	PreReplicationSlots      Code = "PRE_REPLICATION_SLOTS"
	PreWALSenders            Code = "PRE_WAL_SENDERS"
	PreReplicationRole       Code = "PRE_REPLICATION_ROLE"
	PreDecoderMissing        Code = "PRE_DECODER_MISSING"
	PrePublicationRights     Code = "PRE_PUBLICATION_RIGHTS"
	PreReadOnly              Code = "PRE_READ_ONLY"
	PreTableWithoutKey       Code = "PRE_TABLE_WITHOUT_KEY"
	PreUnloggedTable         Code = "PRE_UNLOGGED_TABLE"
	PreLongTransaction       Code = "PRE_LONG_TRANSACTION"
	PrePreparedTransaction   Code = "PRE_PREPARED_TRANSACTION"
	PreIdleTimeout           Code = "PRE_IDLE_TIMEOUT"
	PreWALSenderTimeout      Code = "PRE_WAL_SENDER_TIMEOUT"
	PreExtensionNotAllowed   Code = "PRE_EXTENSION_NOT_ALLOWED"
	PreExtensionNotPreloaded Code = "PRE_EXTENSION_NOT_PRELOADED"
	PreExtensionUnsupported  Code = "PRE_EXTENSION_UNSUPPORTED"
	PreExtensionSchema       Code = "PRE_EXTENSION_SCHEMA"
	PreCollationMissing      Code = "PRE_COLLATION_MISSING"
	PreCollationUserDefined  Code = "PRE_COLLATION_USER_DEFINED"
	PreTableWithOIDs         Code = "PRE_TABLE_WITH_OIDS"
	PreUserCast              Code = "PRE_USER_CAST"
	PreLanguageUnsupported   Code = "PRE_LANGUAGE_UNSUPPORTED"
	PreCatalogGrant          Code = "PRE_CATALOG_GRANT"
	PreDatabaseOwner         Code = "PRE_DATABASE_OWNER"
	PreSignalBackend         Code = "PRE_SIGNAL_BACKEND"
	PreAzurePGAdmin          Code = "PRE_AZURE_PG_ADMIN"
	PreCreateRole            Code = "PRE_CREATE_ROLE"
	PreDatabaseExists        Code = "PRE_DATABASE_EXISTS"
	PreDatabaseDrop          Code = "PRE_DATABASE_DROP"
	PreLockTableSize         Code = "PRE_LOCK_TABLE_SIZE"
	PreStorage               Code = "PRE_STORAGE"
	PreNotChecked            Code = "PRE_NOT_CHECKED"
)

// Codes of the part "azure (read from the management plane)".
const (
	AzZoneNotLinked            Code = "AZ_ZONE_NOT_LINKED"
	AzZoneMissing              Code = "AZ_ZONE_MISSING"
	AzRecordMissing            Code = "AZ_RECORD_MISSING"
	AzRecordStale              Code = "AZ_RECORD_STALE"
	AzPeeringMissing           Code = "AZ_PEERING_MISSING"
	AzPeeringNotConnected      Code = "AZ_PEERING_NOT_CONNECTED"
	AzPeeringNoTraffic         Code = "AZ_PEERING_NO_TRAFFIC"
	AzNSGDenies                Code = "AZ_NSG_DENIES"
	AzRouteDiverts             Code = "AZ_ROUTE_DIVERTS"
	AzEndpointNotApproved      Code = "AZ_ENDPOINT_NOT_APPROVED"
	AzEndpointZoneGroupMissing Code = "AZ_ENDPOINT_ZONE_GROUP_MISSING"
	AzFirewallRuleMissing      Code = "AZ_FIREWALL_RULE_MISSING"
	AzVNetRuleMissing          Code = "AZ_VNET_RULE_MISSING"
	AzPublicAccessOff          Code = "AZ_PUBLIC_ACCESS_OFF"
	AzServerStopped            Code = "AZ_SERVER_STOPPED"
	AzVantageDiffers           Code = "AZ_VANTAGE_DIFFERS"
	AzNotPermitted             Code = "AZ_NOT_PERMITTED"
)

// Codes that were added to the contract's list.
const (
	AuthTrust             Code = "AUTH_TRUST"
	AuthMethodWeak        Code = "AUTH_METHOD_WEAK"
	PreTempTablespaces    Code = "PRE_TEMP_TABLESPACES"
	PrePasswordEncryption Code = "PRE_PASSWORD_ENCRYPTION"
	PrePostGISVersion     Code = "PRE_POSTGIS_VERSION"
	PreBaseType           Code = "PRE_BASE_TYPE"
	PreNotCarried         Code = "PRE_NOT_CARRIED"
	PreRoleMissing        Code = "PRE_ROLE_MISSING"
	AzNotRead             Code = "AZ_NOT_READ"
	AzServiceValidation   Code = "AZ_SERVICE_VALIDATION"
)

// Codes lists every code, in the order of the contract.
func Codes() []Code {
	return []Code{
		RequestInvalid,
		RequestSecretInline,
		RequestTargetNotAllowed,
		RequestExhausted,
		CredentialUnavailable,
		ScenarioUnsupported,
		ScenarioUndocumented,
		ScenarioRuntimeServerMissing,
		ScenarioMismatch,
		VantageNotIntegrated,
		VantageServerNotAsked,
		DNSNameNotFound,
		DNSNoAddress,
		DNSPrivateLinkRecordMissing,
		DNSPublicWherePrivateExpected,
		DNSPrivateWherePublicExpected,
		DNSServerFailure,
		DNSRefused,
		DNSTimeout,
		DNSAnswersDiffer,
		DNSIPv6Only,
		DNSCNAMELoop,
		DNSHostIsAddress,
		DNSHostFormUnsupported,
		TCPTimeout,
		TCPRefused,
		TCPHostUnreachable,
		TCPNetworkUnreachable,
		TCPNotPermitted,
		TCPLocalPortsExhausted,
		TCPIntermittent,
		TCPSlow,
		PeerSilent,
		PeerClosed,
		PeerReset,
		PeerNotPostgres,
		TLSNotOffered,
		TLSUntrusted,
		TLSNameMismatch,
		TLSExpired,
		TLSNotYetValid,
		TLSExpiresSoon,
		TLSVersion,
		TLSHandshake,
		TLSClosed,
		TLSReset,
		TLSNotTLS,
		TLSStalled,
		TLSClientCertificateRequired,
		TLSIntercepted,
		HBATLSRequired,
		HBAAddressNotAllowed,
		HBARejected,
		HBAReplication,
		AzurePublicAccessDisabled,
		AzureServiceEndpointIPv6,
		AuthUserFormat,
		AuthFailed,
		AuthRoleMissing,
		AuthRoleCannotLogin,
		AuthMethodUnsupported,
		AuthCleartextRefused,
		EntraTokenAudience,
		EntraTokenExpired,
		EntraTokenInvalid,
		EntraPrincipalMismatch,
		EntraGroup,
		EntraPooler,
		DatabaseMissing,
		DatabaseNoConnectPrivilege,
		DatabaseNotAccepting,
		ServerStarting,
		ServerShuttingDown,
		ServerRecovering,
		ServerStandby,
		ServerFull,
		ServerFullReserved,
		RoleConnectionLimit,
		DatabaseConnectionLimit,
		ServerPooler,
		LoginStalled,
		ServerError,
		ProtocolViolation,
		PreVersionTooOld,
		PreVersionTargetOlder,
		PreWALLevel,
		PreReplicationSlots,
		PreWALSenders,
		PreReplicationRole,
		PreDecoderMissing,
		PrePublicationRights,
		PreReadOnly,
		PreTableWithoutKey,
		PreUnloggedTable,
		PreLongTransaction,
		PrePreparedTransaction,
		PreIdleTimeout,
		PreWALSenderTimeout,
		PreExtensionNotAllowed,
		PreExtensionNotPreloaded,
		PreExtensionUnsupported,
		PreExtensionSchema,
		PreCollationMissing,
		PreCollationUserDefined,
		PreTableWithOIDs,
		PreUserCast,
		PreLanguageUnsupported,
		PreCatalogGrant,
		PreDatabaseOwner,
		PreSignalBackend,
		PreAzurePGAdmin,
		PreCreateRole,
		PreDatabaseExists,
		PreDatabaseDrop,
		PreLockTableSize,
		PreStorage,
		PreNotChecked,
		AzZoneNotLinked,
		AzZoneMissing,
		AzRecordMissing,
		AzRecordStale,
		AzPeeringMissing,
		AzPeeringNotConnected,
		AzPeeringNoTraffic,
		AzNSGDenies,
		AzRouteDiverts,
		AzEndpointNotApproved,
		AzEndpointZoneGroupMissing,
		AzFirewallRuleMissing,
		AzVNetRuleMissing,
		AzPublicAccessOff,
		AzServerStopped,
		AzVantageDiffers,
		AzNotPermitted,
		AuthTrust,
		AuthMethodWeak,
		PreTempTablespaces,
		PrePasswordEncryption,
		PrePostGISVersion,
		PreBaseType,
		PreNotCarried,
		PreRoleMissing,
		AzNotRead,
		AzServiceValidation,
	}
}
