package report

import "testing"

func TestOwnersHaveNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, o := range []Owner{
		Requester, SourceDBA, TargetDBA, SourceNetwork, AzureNetwork, DNSAdmin, IdentityAdmin, Operator,
	} {
		name := o.Name()
		if name == "" || name == string(o) || seen[name] {
			t.Errorf("%s is named %q", o, name)
		}
		seen[name] = true
	}
	if got := Owner("storage_team").Name(); got != "storage team" {
		t.Errorf("an owner of a later version is named %q", got)
	}
	if got := ReadyWithWarnings.Name(); got != "ready with warnings" {
		t.Errorf("verdict named %q", got)
	}
}
