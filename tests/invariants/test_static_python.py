"""What the static miner reads out of code is what Python does when it runs that code."""

from __future__ import annotations

import pytest

from .static_world import disagreements

PLAIN = """
class Config:
    def __init__(self, x=None, y=0):
        self.x = x
        self.y = y
        self.check()

    def check(self):
{body}
"""
BODIES = {
    "comparison": "if self.x is not None and self.x > 1:\n    raise ValueError('x')",
    "chain": "if self.x is not None and not 0 < self.x <= 1:\n    raise ValueError('x')",
    "elif": """
        if self.x == 1:
            raise ValueError("one")
        elif self.x == "a" and self.y:
            raise TypeError("a")
        elif self.x is True:
            self.y = 5
        else:
            self.y = 6
        """,
    "early return": """
        if self.x is None:
            return
        if self.y == 1:
            raise ValueError("y")
        """,
    "raise or return": """
        if self.x == 1:
            if self.y:
                return
            raise ValueError("x")
        if self.y == 2:
            raise ValueError("y")
        """,
    "assert": "assert self.x in (None, 'a', 1), 'x'",
    "membership": "if self.x in ('a', 'ab') or self.y not in [0, 1, True]:\n    raise ValueError('x')",
    "set": "if isinstance(self.x, str) and self.x not in {'a', 'auto'}:\n    raise ValueError('x')",
    "types": """
        if not isinstance(self.x, (int, type(None))):
            raise TypeError("x")
        if type(self.y) is not int and not isinstance(self.y, float):
            raise TypeError("y")
        """,
    "identity": "if self.x is True or self.y is False:\n    raise ValueError('x')",
    "or value": "value = self.x or 3\nif value == 3:\n    raise ValueError('x')",
    "and value": "value = self.x and self.y\nif value == 1:\n    raise ValueError('x')",
    "ternary": "limit = 1 if self.x == 'a' else 2\nif self.y == limit:\n    raise ValueError('x')",
    "arithmetic": """
        if isinstance(self.x, int) and isinstance(self.y, int):
            if self.y != 0 and (self.x + 3) % self.y == 1:
                raise ValueError("x")
            if self.x * 2 - self.y // 2 == -self.x:
                raise ValueError("y")
        """,
    "len": "if isinstance(self.x, (str, list)) and len(self.x) >= 2:\n    raise ValueError('x')",
    "strings": """
        if isinstance(self.x, str):
            if self.x.upper() == "A" or self.x.startswith(("au", "k")):
                raise ValueError("x")
            self.y = self.x.replace("a", "b") + "!"
        """,
    "pattern": "if isinstance(self.x, str) and re.match('a|b', self.x):\n    raise ValueError('x')",
    "min and max": """
        if isinstance(self.x, int) and isinstance(self.y, int):
            self.x = max(self.x, self.y, 1)
            if min(self.x, 2) == 2:
                self.y = abs(self.y)
        """,
    "clamp": """
        if isinstance(self.x, (int, float)) and 0 < self.x < 1:
            self.x = max(self.x, 1)
        if self.x == 1:
            self.y = 3
        """,
    "loop over constants": """
        for name in ("x", "y"):
            if getattr(self, name) == "a":
                raise ValueError(name)
            setattr(self, name, getattr(self, name))
        """,
    "loop with break and continue": """
        total = 0
        for one in (1, 2, 7):
            if one == self.x:
                continue
            if one == self.y:
                break
            total += one
        if total > 2:
            raise ValueError("total")
        """,
    "loop and else": """
        for one in (1, 2):
            if self.x == one:
                break
        else:
            self.y = 9
        """,
    "return in a loop": """
        for one in ("a", "ab"):
            if self.x == one:
                return
        if self.y == 1:
            raise ValueError("y")
        """,
    "loop over a list of the user's": """
        if isinstance(self.x, list):
            for one in self.x:
                if one == "":
                    raise ValueError("empty")
        """,
    "flag": """
        found = False
        if isinstance(self.x, list):
            for one in self.x:
                if one == 2:
                    found = True
        if found:
            raise ValueError("two")
        """,
    "any": "if isinstance(self.x, list) and any(not one for one in self.x):\n    raise ValueError('x')",
    "all": """
        if isinstance(self.x, list) and not all(isinstance(one, int) for one in self.x):
            raise ValueError("x")
        """,
    "comprehension": """
        if isinstance(self.x, list):
            wrong = [one for one in self.x if one == 2]
            if wrong:
                raise ValueError(f"wrong: {wrong}")
        """,
    "appended": """
        wrong = []
        for name in ("x", "y"):
            if getattr(self, name) == 1:
                wrong.append(name)
        if len(wrong) == 2:
            raise ValueError(wrong)
        """,
    "collected": """
        issues = {}
        if self.x == "a":
            issues["x"] = f"x is {self.x}"
        if self.y == 2:
            issues["y"] = "y is two"
        if len(issues) > 0:
            logger.warning("issues: %s", issues)
        """,
    "collected errors": """
        errors = []
        if self.x == "a":
            errors.append("x is a")
        if self.y == 2:
            errors.append("y is two")
        if errors:
            raise ValueError("; ".join(errors))
        """,
    "warning": "if self.x == 1:\n    warnings.warn('one')\nif self.y == 'a':\n    logger.error('a')",
    "caught": """
        try:
            if self.x == 1:
                raise KeyError("one")
            if self.y == 1:
                raise ValueError("y")
        except KeyError:
            self.y = 4
        """,
    "raised from": """
        if isinstance(self.x, str):
            try:
                self.x = int(self.x)
            except ValueError as error:
                raise TypeError("no number") from error
        """,
    "key error": """
        names = {"a": 1, "auto": 2}
        try:
            self.y = names[self.x]
        except (KeyError, TypeError):
            pass
        """,
    "dict get": """
        if isinstance(self.x, str):
            self.y = {"a": 1, "auto": 2}.get(self.x, 3)
        """,
    "user's dict": """
        if isinstance(self.x, dict):
            if self.x.get("k", 0) == 1:
                raise ValueError("k")
            for key, value in self.x.items():
                if value == 2:
                    raise ValueError(key)
        """,
    "walrus": "if (its := self.x) == 'a' and its != self.y:\n    raise ValueError(its)",
    "match": """
        match self.x:
            case 1 | 2:
                raise ValueError("number")
            case "a":
                self.y = 1
            case None:
                pass
            case _:
                self.y = 2
        """,
    "nested function": """
        def limit(value, most=2):
            return value == most

        if limit(self.x) or limit(self.y, most=7):
            raise ValueError("x")
        """,
    "augmented": """
        if isinstance(self.y, int):
            self.y += 1
            self.y *= 2
        """,
    "no change": "if self.x == 1:\n    self.x = 1\nelif self.x is None:\n    self.x = None",
    "bool is not int": "if self.x is True:\n    self.x = 1",
    "overwritten": "if self.x == 'a':\n    self.y = 1\nif self.x in ('a', 'ab'):\n    self.y = 2",
    "negated pair": "if not (self.x and self.y) and (self.x or self.y == 1):\n    raise ValueError()",
    "implicit": "if self.x is not None:\n    self.x + 1 > 2",
    "implicit order": "if self.x is not None and self.x < 3:\n    self.y = 2",
    "none text": "if str(self.x) == 'None' and self.y:\n    raise ValueError()",
    "longest of a list": """
        if isinstance(self.x, str):
            self.x = [self.x]
        if isinstance(self.x, list) and self.x and all(isinstance(one, str) for one in self.x):
            self.y = max(len(one) for one in self.x) - 1
        """,
    "least with a default": """
        if isinstance(self.x, list):
            self.y = min([len(str(one)) for one in self.x if one != 2], default=9)
        """,
    "sum and sorted": """
        if isinstance(self.x, list):
            numbers = [one for one in self.x if isinstance(one, int)]
            if sum(one * 2 for one in numbers) > 5:
                raise ValueError("sum")
            self.x = sorted(str(one) for one in self.x)
        """,
    "each once": """
        if self.x is not None:
            self.x = list(dict.fromkeys(self.x))
        """,
    "how many are different": """
        if isinstance(self.x, (list, str)) and len(set(self.x)) == 2:
            raise ValueError("two")
        """,
    "unknown keys": """
        if isinstance(self.x, dict):
            unknown = set(self.x) - {"k"}
            if unknown:
                raise ValueError(f"unknown: {unknown}")
            if self.x.keys() & {"k", "z"} and self.y == 1:
                raise ValueError("k")
        """,
    "slices": """
        if isinstance(self.x, str):
            digits = self.x[1:] if self.x.lower().startswith("a") else self.x
            if len(digits) == 1 or digits[:3] == "uto":
                raise ValueError("digits")
            self.y = digits[-2:]
        """,
    "joined": """
        if isinstance(self.x, list) and all(isinstance(one, str) for one in self.x):
            self.x = "-".join(one.upper() for one in self.x)
        """,
    "kinds of text": """
        if isinstance(self.x, str):
            if self.x.isalpha() and self.x.removeprefix("a").find("b") == 0:
                raise ValueError("b")
            self.x = self.x.capitalize()
        """,
    "an item is set": """
        if isinstance(self.x, dict):
            self.x = dict(self.x)
            self.x["k"] = self.y
            if self.x["k"] == 2:
                raise ValueError("two")
        """,
    "long alternatives": """
        a = 128 if self.x is None else self.x
        b = 7 if self.y is None else self.y
        if isinstance(a, int) and isinstance(b, int):
            most = max(a, 2) if a != 1 else max(b, 3)
            if self.x == "a":
                most = max(most, 5)
            self.y = min(a * b, most)
            if self.y > a * b - 1 and not self.x:
                raise ValueError("most")
        """,
    "members listed": """
        class_values = {"one": "a", "two": "ab"}
        if self.x not in class_values.values() and self.y not in class_values:
            raise ValueError("unknown")
        """,
    "hasattr": "if hasattr(self, 'z') or not hasattr(self, 'x'):\n    raise ValueError()",
}


def _class(body: str) -> str:
    lines = body.strip("\n").splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return PLAIN.format(body="\n".join(f"        {line[margin:]}" for line in lines))


@pytest.mark.parametrize("name", BODIES)
def test_rules_of_a_construct_hold_exactly_where_python_says(name: str) -> None:
    assert disagreements(_class(BODIES[name])) == []


CLASSES = {
    "keyword arguments taken out under a condition": """
        class Base:
            def __init__(self, y=0, **kwargs):
                self.y = y
                if kwargs.get("x") is not None:
                    raise ValueError("x is left")

        class Config(Base):
            def __init__(self, x=None, y=1, **kwargs):
                self.x = x
                if kwargs.get("z") == 1:
                    self.x = kwargs.pop("z")
                super().__init__(y=y, **kwargs)
                if self.x == self.y:
                    raise ValueError("same")
        """,
    "a mapping becomes an object": """
        @dataclass
        class Limits:
            k: Any
            high: Any = 7

            def __post_init__(self):
                if self.k == 2:
                    raise ValueError("two")

        class Config:
            def __init__(self, x=None, y=1):
                if isinstance(x, dict):
                    limits = Limits(**x)
                    if limits.k == y:
                        raise ValueError("same")
                self.y = y
        """,
    "a mapping is unpacked into a function": """
        def limits(*, k, high=7):
            if k == high:
                raise ValueError("empty")
            return k

        class Config:
            def __init__(self, x=None, y=1):
                if x:
                    limits(**x)
                self.y = y
        """,
    "an enum looks names up in its own way": """
        class Loud(type(Enum)):
            def __getitem__(cls, name):
                try:
                    return super().__getitem__(name)
                except KeyError:
                    raise ValueError(f"unknown: {name}") from None

        class Kind(str, Enum, metaclass=Loud):
            A = "a"
            AUTO = "auto"

        class Config:
            def __init__(self, x=None, y=1):
                if isinstance(x, str):
                    kind = Kind[x.upper()]
                    if kind is Kind.AUTO and y == 2:
                        raise ValueError("two")
                self.y = y
        """,
    "an enum rescues values": """
        class Kind(Enum):
            A = "a"
            NONE = ""

            @classmethod
            def _missing_(cls, value):
                if isinstance(value, str):
                    for member in cls:
                        if member.value == value[:1]:
                            return member
                return None

        class Config:
            def __init__(self, x=None, y=1):
                if x is not None:
                    kind = Kind(x)
                    if kind is Kind.A and y == 2:
                        raise ValueError("two")
                self.y = y
        """,
    "keyword arguments": """
        class Config:
            def __init__(self, **kwargs):
                self.x = kwargs.pop("x", None)
                self.y = kwargs.pop("y", 1)
                if kwargs.get("z") and self.x is None:
                    raise ValueError("z")
                for key, value in kwargs.items():
                    setattr(self, key, value)
                if self.x == 1 and self.y == 1:
                    raise ValueError("both")
        """,
    "given names": """
        class Config:
            def __init__(self, **kwargs):
                given = set(kwargs.keys())
                self.x = kwargs.pop("x", None)
                self.y = kwargs.pop("y", 1)
                if "y" in given and "x" not in given:
                    logger.warning("y without x")
        """,
    "super": """
        class Base:
            limit = 2

            def __init__(self, y=0, **kwargs):
                self.y = y
                if self.y == self.limit:
                    raise ValueError("limit")

        class Config(Base):
            limit = 7

            def __init__(self, x=None, **kwargs):
                self.x = x
                super().__init__(**kwargs)
                self.after()

            def after(self):
                if self.x == self.y:
                    raise ValueError("same")
        """,
    "dataclass": """
        @dataclass
        class Config:
            x: Any = None
            y: int = 3
            z: list = field(default_factory=list)

            def __post_init__(self):
                if self.x == self.y:
                    raise ValueError("same")
                if self.x is None:
                    self.x = self.y
                if not self.z:
                    self.z = [self.y]
        """,
    "init var": """
        @dataclass
        class Config:
            x: Any = None
            y: InitVar[int] = 1

            def __post_init__(self, y):
                if y == 2 and self.x:
                    raise ValueError("two")
        """,
    "inner class": """
        @dataclass
        class Limits:
            low: Any
            high: Any = 7

            def __post_init__(self):
                if self.low == self.high:
                    raise ValueError("empty")

            @property
            def width(self):
                return 0 if self.low == 1 else 5

        @dataclass
        class Config:
            x: Any = None
            y: Any = 7

            def __post_init__(self):
                limits = Limits(self.x, high=self.y)
                if limits.width == 0 and limits.high is True:
                    raise ValueError("width")
        """,
    "enum": """
        class Mode(str, Enum):
            AUTO = "auto"
            A = "a"

        @dataclass
        class Config:
            x: Any = "auto"
            y: Any = None

            def __post_init__(self):
                if self.x == Mode.A and self.y:
                    raise ValueError("a")
                if self.y is not None:
                    self.mode = Mode(self.y)
        """,
    "property": """
        class Config:
            def __init__(self, x=False, y=None):
                self._x = x
                self.y = y
                if not isinstance(self.x, bool):
                    raise TypeError("x")
                self.y = self.y if self.x else None

            @property
            def x(self):
                return self._x

            @x.setter
            def x(self, value):
                self._x = value
        """,
    "class method": """
        class Config:
            kinds = ("a", "auto")

            def __init__(self, x=None, y=None):
                self.x = x
                self.y = y
                self.known(x)
                self.other(y)

            @classmethod
            def known(cls, value):
                if isinstance(value, str) and value not in cls.kinds:
                    raise ValueError(value)

            @staticmethod
            def other(value):
                if value == 2:
                    raise ValueError(value)
        """,
    "module function": """
        LIMIT = 2
        KINDS = ["a"] + ["ab"]

        def positive(value, name, allow=()):
            if isinstance(value, int) and value < LIMIT and value not in allow:
                raise ValueError(f"{name} must be at least {LIMIT}, not {value}")
            return value

        @dataclass
        class Config:
            x: Any = None
            y: Any = 5

            def __post_init__(self):
                self.y = positive(self.y, "y", allow=(0,))
                if self.x in KINDS:
                    raise ValueError("kind")
        """,
    "recursion": """
        def depth(value, most):
            return 0 if most == 0 else 1

        class Config:
            def __init__(self, x=None, y=None):
                self.x = x
                self.y = y
                if x == 1 and depth(x, 0) == 0:
                    raise ValueError("x")
        """,
}


@pytest.mark.parametrize("name", CLASSES)
def test_rules_of_a_class_hold_exactly_where_python_says(name: str) -> None:
    assert disagreements(CLASSES[name]) == []


def test_a_step_after_construction_has_rules_of_its_own() -> None:
    source = """
        @dataclass
        class Config:
            x: Any = None
            y: Any = 1

            def verify(self):
                if self.x == 1:
                    raise ValueError("x")
        """
    assert disagreements(source, steps=["verify"]) == []
