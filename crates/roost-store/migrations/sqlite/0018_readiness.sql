-- An agent misses a service until it has a connection to it that can be used.
drop view missing_integrations;

create view missing_integrations as
    select agent_id, integration from agent_integrations
    where not exists (
        select 1 from connections
        where connections.agent_id = agent_integrations.agent_id
          and connections.integration = agent_integrations.integration and connections.status = 'active');
