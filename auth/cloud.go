package auth

// A cloud is what differs between Microsoft's clouds.
//
// The values are those of AuthenticationConstants.cs in microsoft/Agents-for-net
// and of the Bot Framework authentication page.
type cloud struct {
	entraURL           string
	entraV1Issuer      string // before the tenant and a slash
	anyTenant          string // the authority of multi-tenant bots
	channelMetadataURL string
	channelIssuer      string
	connectorURL       string
	connectorScope     string
	connectorHosts     []string // a leading dot stands for every subdomain
	skillHosts         []string
}

// cloudNamed returns the cloud of that name.
func cloudNamed(name string) (cloud, bool) {
	switch name {
	case "public":
		return publicCloud(), true
	case "usgov":
		return usGovernmentCloud(), true
	case "china":
		return chinaCloud(), true
	}
	return cloud{}, false
}

func publicCloud() cloud {
	return cloud{
		entraURL:           "https://login.microsoftonline.com",
		entraV1Issuer:      "https://sts.windows.net/",
		anyTenant:          "botframework.com",
		channelMetadataURL: "https://login.botframework.com/v1/.well-known/openidconfiguration",
		channelIssuer:      "https://api.botframework.com",
		connectorURL:       "https://smba.trafficmanager.net/teams/",
		connectorScope:     "https://api.botframework.com/.default",
		// trafficmanager.net is open to every customer of Azure: only this name of it.
		connectorHosts: []string{"smba.trafficmanager.net", "smba.infra.gcc.teams.microsoft.com", ".botframework.com"},
		skillHosts:     []string{".gateway.prod.island.powerapps.com"},
	}
}

// usGovernmentCloud is GCC High and DoD, which share issuers. GCC uses the
// public cloud's. The hosts of Copilot Studio's runtime are not published.
func usGovernmentCloud() cloud {
	return cloud{
		entraURL:           "https://login.microsoftonline.us",
		entraV1Issuer:      "https://sts.windows.net/",
		anyTenant:          "MicrosoftServices.onmicrosoft.us",
		channelMetadataURL: "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
		channelIssuer:      "https://api.botframework.us",
		connectorURL:       "https://smba.infra.gov.teams.microsoft.us/teams/",
		connectorScope:     "https://api.botframework.us/.default",
		connectorHosts: []string{
			"smba.infra.gov.teams.microsoft.us", "smba.infra.dod.teams.microsoft.us",
			".botframework.us", ".botframework.azure.us",
		},
	}
}

// chinaCloud is the one 21Vianet runs. Its address of Teams' connector is not
// published: nothing is posted before an activity named it.
func chinaCloud() cloud {
	return cloud{
		entraURL:           "https://login.partner.microsoftonline.cn",
		entraV1Issuer:      "https://sts.chinacloudapi.cn/",
		anyTenant:          "microsoftservices.partner.onmschina.cn",
		channelMetadataURL: "https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
		channelIssuer:      "https://api.botframework.azure.cn",
		connectorScope:     "https://api.botframework.azure.cn/.default",
		connectorHosts:     []string{".botframework.azure.cn"},
	}
}
