"""Things of an account and region, their types, and the principals attached to them."""
import uuid

import errors
from ledger import Ledger

MOST_ATTRIBUTES = {False: 3, True: 50}      # without and with a thing type


class Thing:
    def __init__(self, name, arn, config):
        self.name, self.arn = name, arn
        self.id = str(uuid.uuid4())
        self.type, self.attributes = config
        self.version = 1
        self.principals = {}    # certificate ARN -> Device
        self.groups = {}        # name -> Group


def attributes_of(payload):
    """An attribute with an empty value is none."""
    return {k: v for k, v in ((payload or {}).get("attributes") or {}).items() if v}


class Things:
    OPERATIONS = ("CreateThing", "DescribeThing", "UpdateThing", "ListThings", "AttachThingPrincipal", "DetachThingPrincipal",
                  "ListThingPrincipals", "ListPrincipalThings", "CreateThingType", "DescribeThingType")

    def __init__(self, place):
        self.place = place
        self.all = Ledger()
        self.types = Ledger()   # name -> what DescribeThingType says

    def get(self, name):
        found = self.all.get(name)
        if found is None:
            raise errors.not_found(f"Thing {name} not found.")
        return found

    def _config(self, type_name, attributes):
        if type_name is not None and type_name not in self.types:
            raise errors.not_found(f"Thing type {type_name} not found.")
        most = MOST_ATTRIBUTES[type_name is not None]
        if len(attributes) > most:
            raise errors.invalid(f"The thing has {len(attributes)} attributes; {most} are allowed")
        return type_name, attributes

    def create_thing(self, p):
        if "billingGroupName" in p:
            raise errors.not_found(f"Billing group {p['billingGroupName']} not found.")
        name, arn = p["thingName"], self.place.arn("thing/" + p["thingName"])
        config = self._config(p.get("thingTypeName"), attributes_of(p.get("attributePayload")))
        thing = self.all.get(name)
        if thing is None:
            thing = Thing(name, arn, config)
            self.all.add(name, thing)
        elif (thing.type, thing.attributes) != config:
            raise errors.exists(f"Thing {name} already exists in account with different attributes", name, arn)
        return {"thingName": name, "thingArn": arn, "thingId": thing.id}

    def describe_thing(self, p):
        t = self.get(p["thingName"])
        return {"defaultClientId": t.name, "thingName": t.name, "thingId": t.id, "thingArn": t.arn, "thingTypeName": t.type,
                "attributes": t.attributes, "version": t.version}

    def update_thing(self, p):
        t = self.get(p["thingName"])
        if p.get("expectedVersion", t.version) != t.version:
            raise errors.AwsError("VersionConflictException", f"The version for thing {t.name} is {t.version}", 409)
        payload = p.get("attributePayload")
        attributes = t.attributes
        if payload is not None:
            given = payload.get("attributes") or {}
            attributes = {k: v for k, v in ({**t.attributes, **given} if payload.get("merge") else given).items() if v}
        if p.get("removeThingType") and p.get("thingTypeName"):
            raise errors.invalid("thingTypeName and removeThingType exclude each other")
        type_name = None if p.get("removeThingType") else p.get("thingTypeName", t.type)
        t.type, t.attributes = self._config(type_name, attributes)
        t.version += 1

    def list_things(self, p):
        type_name, name, value = p.get("thingTypeName"), p.get("attributeName"), p.get("attributeValue")

        def wanted(t):
            got = t.attributes.get(name)
            same = got is not None and (got.startswith(value or "") if p.get("usePrefixAttributeValue") else value in (None, got))
            return (type_name is None or t.type == type_name) and (name is None or same)
        found, token = self.all.page(p.get("maxResults"), p.get("nextToken"), True, wanted if type_name or name else None)
        rows = [{"thingName": t.name, "thingTypeName": t.type, "thingArn": t.arn, "attributes": t.attributes, "version": t.version}
                for t in found]
        return {"things": [{k: v for k, v in row.items() if v is not None} for row in rows], "nextToken": token}

    def attach_thing_principal(self, p):
        thing, principal = self.get(p["thingName"]), self.place.principal(p["principal"])
        thing.principals[principal.arn] = principal
        principal.things[thing.name] = thing

    def detach_thing_principal(self, p):
        thing, principal = self.get(p["thingName"]), self.place.principal(p["principal"])
        if thing.principals.pop(principal.arn, None) is None:
            raise errors.not_found(f"The principal is not attached to thing {thing.name}")
        del principal.things[thing.name]

    def list_thing_principals(self, p):
        found, token = page(list(self.get(p["thingName"]).principals), p)
        return {"principals": found, "nextToken": token}

    def list_principal_things(self, p):
        found, token = page(list(self.place.principal(p["principal"]).things), p)
        return {"things": found, "nextToken": token}

    def create_thing_type(self, p):
        name, arn = p["thingTypeName"], self.place.arn("thingtype/" + p["thingTypeName"])
        properties = p.get("thingTypeProperties", {})
        made = self.types.get(name)
        if made is None:
            made = {"thingTypeName": name, "thingTypeId": str(uuid.uuid4()), "thingTypeArn": arn, "thingTypeProperties": properties,
                    "thingTypeMetadata": {"deprecated": False, "creationDate": self.place.now()}}
            self.types.add(name, made)
        elif made["thingTypeProperties"] != properties:
            raise errors.exists(f"Thing type {name} already exists with different properties", name, arn)
        return {k: made[k] for k in ("thingTypeName", "thingTypeArn", "thingTypeId")}

    def describe_thing_type(self, p):
        made = self.types.get(p["thingTypeName"])
        if made is None:
            raise errors.not_found(f"Thing type {p['thingTypeName']} not found.")
        return made


def page(items, p, size="maxResults", marker="nextToken"):
    """A page of a short list."""
    ledger = Ledger()
    for i, item in enumerate(items):
        ledger.add(i, item)
    return ledger.page(p.get(size), p.get(marker), True)
