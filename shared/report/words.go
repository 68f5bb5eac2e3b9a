package report

import "strings"

// Name is the verdict as people write it, such as "not ready".
func (v Verdict) Name() string { return strings.ReplaceAll(string(v), "_", " ") }

// Name is the owner as people are addressed, such as "DNS administrator". An owner that this version does not know is
// given as it is written.
func (o Owner) Name() string {
	switch o {
	case Requester:
		return "whoever requested the check"
	case SourceDBA:
		return "source database administrator"
	case TargetDBA:
		return "target database administrator"
	case SourceNetwork:
		return "source network team"
	case AzureNetwork:
		return "Azure network team"
	case DNSAdmin:
		return "DNS administrator"
	case IdentityAdmin:
		return "identity administrator"
	case Operator:
		return "operator of pgpreflight"
	}
	return strings.ReplaceAll(string(o), "_", " ")
}
