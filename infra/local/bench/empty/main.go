// Command empty is the yardstick of a cold start: a Go server that links the same SDKs as the handler, makes one client
// of each, and answers GET / with nothing. The handler may take half as long again until its first answer.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/postgresql/armpostgresqlflexibleservers/v5"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/privatedns/armprivatedns"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/jackc/pgx/v5"
	"github.com/miekg/dns"
)

func main() {
	identity, err := azidentity.NewManagedIdentityCredential(nil)
	check(err)
	_, err = azservicebus.NewClient("bench.servicebus.windows.net", identity, nil)
	check(err)
	_, err = aztables.NewServiceClient("https://bench.table.core.windows.net", identity, nil)
	check(err)
	_, err = azsecrets.NewClient("https://bench.vault.azure.net", identity, nil)
	check(err)
	const subscription = "00000000-0000-0000-0000-000000000000"
	_, err = armnetwork.NewVirtualNetworksClient(subscription, identity, &arm.ClientOptions{})
	check(err)
	_, err = armprivatedns.NewPrivateZonesClient(subscription, identity, &arm.ClientOptions{})
	check(err)
	_, err = armpostgresqlflexibleservers.NewServersClient(subscription, identity, &arm.ClientOptions{})
	check(err)
	_, err = pgx.ParseConfig("host=127.0.0.1")
	check(err)
	_ = new(dns.Client)
	answer := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	check(http.ListenAndServe("127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"), answer))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
