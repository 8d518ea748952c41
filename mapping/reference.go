package mapping

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/proactive"
)

// A Reference is where both ends of the user's side are reached, as an inbound
// activity tells it.
type Reference struct {
	Teams      proactive.Target // an empty ServiceURL keeps the one known
	Connector  string           // Bot Connector URL seen; empty keeps the one known
	Host       *proactive.Target
	HostActive bool
}

const refreshSQL = `
	UPDATE mapping AS m
	SET teams = t.teams, connector = NULLIF(t.connector, ''), host = NULLIF(t.host, 'null'), host_active = t.host_active
	FROM unnest(@id::bigint[], @teams::jsonb[], @connector::text[], @host::jsonb[], @host_active::bool[])
		AS t (id, teams, connector, host, host_active)
	WHERE m.id = t.id`

// Refresh records the latest reference of locked mappings; refs[i] belongs to
// ms[i]. What did not change is not written. The mappings are updated in place. A
// mapping may be there several times, oldest reference first.
func Refresh(ctx context.Context, db DB, ms []*Mapping, refs []Reference) error {
	latest, changed := map[ID]*Mapping{}, map[ID]*Mapping{}
	for i, m := range ms {
		if before, again := latest[m.ID]; again {
			*m = *before
		}
		latest[m.ID] = m
		_, before := changed[m.ID]
		if m.apply(refs[i]) || before {
			changed[m.ID] = m
		}
	}
	if len(changed) == 0 {
		return nil
	}
	var ids []ID
	var teams, hosts []any
	var connectors []string
	var active []bool
	for id, m := range changed {
		ids, teams, hosts = append(ids, id), append(teams, m.Teams), append(hosts, m.Host)
		connectors, active = append(connectors, m.Connector), append(active, m.HostActive)
	}
	_, err := db.Exec(ctx, refreshSQL, pgx.NamedArgs{
		"id": ids, "teams": teams, "connector": connectors, "host": hosts, "host_active": active,
	})
	if err != nil {
		return fmt.Errorf("refresh reference: %w", err)
	}
	return nil
}

// apply merges r into m and reports whether anything changed.
func (m *Mapping) apply(r Reference) bool {
	teams := r.Teams
	if teams.ServiceURL == "" {
		teams.ServiceURL = m.Teams.ServiceURL
	}
	connector := r.Connector
	if connector == "" {
		connector = m.Connector
	}
	same := teams == m.Teams && connector == m.Connector && r.HostActive == m.HostActive &&
		(r.Host == nil) == (m.Host == nil) && (r.Host == nil || *r.Host == *m.Host)
	m.Teams, m.Connector, m.Host, m.HostActive = teams, connector, r.Host, r.HostActive
	return !same
}
