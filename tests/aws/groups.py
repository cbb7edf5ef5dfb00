"""Thing groups of an account and region."""
import uuid

import errors
import things
from ledger import Ledger


class Group:
    def __init__(self, name, arn, parent, properties, now):
        self.name, self.arn, self.parent, self.properties, self.created = name, arn, parent, properties, now
        self.id = str(uuid.uuid4())
        self.things = {}
        self.policies = {}


class Groups:
    OPERATIONS = ("CreateThingGroup", "DescribeThingGroup", "AddThingToThingGroup", "ListThingGroupsForThing")

    def __init__(self, place):
        self.place = place
        self.all = Ledger()

    def get(self, name):
        found = self.all.get(name)
        if found is None:
            raise errors.not_found(f"Thing group {name} not found.")
        return found

    def create_thing_group(self, p):
        name, arn = p["thingGroupName"], self.place.arn("thinggroup/" + p["thingGroupName"])
        parent = self.get(p["parentGroupName"]) if "parentGroupName" in p else None
        properties = p.get("thingGroupProperties", {})
        group = self.all.get(name)
        if group is None:
            group = Group(name, arn, parent, properties, self.place.now())
            self.all.add(name, group)
        elif (group.parent, group.properties) != (parent, properties):
            raise errors.exists(f"Thing group {name} already exists with different properties", name, arn)
        return {"thingGroupName": name, "thingGroupArn": arn, "thingGroupId": group.id}

    def describe_thing_group(self, p):
        g = self.get(p["thingGroupName"])
        about, chain, parent = {"creationDate": g.created}, [], g.parent
        while parent:
            chain.insert(0, {"groupName": parent.name, "groupArn": parent.arn})
            parent = parent.parent
        if chain:
            about.update(parentGroupName=g.parent.name, rootToParentThingGroups=chain)
        return {"thingGroupName": g.name, "thingGroupId": g.id, "thingGroupArn": g.arn, "version": 1,
                "thingGroupProperties": g.properties, "thingGroupMetadata": about}

    @staticmethod
    def _name(p, name, arn, kind):
        given = p.get(name)
        by_arn = p[arn].partition(f":{kind}/")[2] if p.get(arn) else None
        if given is None and by_arn is None or given is not None and by_arn is not None and given != by_arn:
            raise errors.invalid(f"{name} or {arn} is needed, and both must be about the same")
        return given if given is not None else by_arn

    def add_thing_to_thing_group(self, p):
        group = self.get(self._name(p, "thingGroupName", "thingGroupArn", "thinggroup"))
        thing = self.place.things.get(self._name(p, "thingName", "thingArn", "thing"))
        group.things[thing.name] = thing
        thing.groups[group.name] = group

    def list_thing_groups_for_thing(self, p):
        rows = [{"groupName": g.name, "groupArn": g.arn} for g in self.place.things.get(p["thingName"]).groups.values()]
        found, token = things.page(rows, p)
        return {"thingGroups": found, "nextToken": token}
