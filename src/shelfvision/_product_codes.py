"""`ProductCodes`: the GTIN or SKU of each class, so that counts join the lists of an ERP system.

The last digit of a GTIN is a check digit (GS1 General Specifications, section 7.9): with the other
digits weighted 3, 1, 3, ... from right to left, it completes their sum to a multiple of 10.

>>> check_digit("400638133393")
'1'
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias, final

from shelfvision._identifiers import clean_name, identifier, is_damaged_code, lookalike
from shelfvision._validation import counted, listed, one_of, received
from shelfvision.errors import InvalidParameterError

CodeKind: TypeAlias = Literal["gtin", "sku"]
"""``"gtin"`` for GTIN-8, GTIN-12 (UPC), GTIN-13 (EAN) and GTIN-14; ``"sku"`` for any text."""
_GTIN_LENGTHS = (8, 12, 13, 14)
_LONGEST = 100


@final
class ProductCodes(Mapping[str, str]):
    """The product code of each class, by class name: an immutable mapping.

    Parameters
    ----------
    codes : mapping of str to str
        The code of each class. Codes are text, because numbers lose leading zeros.
    kind : {"gtin", "sku"}, default="gtin"
        Whether codes are GTINs of 8, 12, 13 or 14 digits, whose check digit is validated, or the
        codes of a shop, which can be any text of at most 100 characters.

    Raises
    ------
    InvalidParameterError
        A code has another length or a wrong check digit, or two classes have the same code.

    Examples
    --------
    >>> import shelfvision as shv
    >>> codes = shv.ProductCodes({"Milk": "4006381333931", "Juice": "96385074"})
    >>> codes["Juice"], codes.by_code["4006381333931"]
    ('96385074', 'Milk')
    """

    __slots__ = ("_codes", "_kind")

    def __init__(self, codes: Mapping[str, str], *, kind: CodeKind = "gtin") -> None:
        if not isinstance(codes, Mapping):
            raise InvalidParameterError(
                f"codes must be a mapping of codes by class name, got {received(codes)}; write "
                '{"Milk": "4006381333931"}',
                code="wrong-type",
                parameter="codes",
            )
        one_of("kind", kind, ("gtin", "sku"))
        found: dict[str, str] = {}
        classes: dict[str, str] = {}
        for given, value in codes.items():
            if not isinstance(given, str) or not clean_name(given):
                raise InvalidParameterError(
                    f"codes must have class names as keys, got {received(given)}; write "
                    '{"Milk": "4006381333931"}',
                    code="wrong-type",
                    parameter="codes",
                )
            name = clean_name(given)
            code = _checked(value, name, kind)
            # A GTIN with leading zeros is the same product as the shorter one.
            first = classes.setdefault(code.zfill(14) if kind == "gtin" else code, name)
            if first != name or name in found:
                raise InvalidParameterError(
                    f"codes must have another code for each class, got {code!r} for {first!r} and "
                    f"{name!r}; correct one of them",
                    code="duplicate",
                    parameter="codes",
                )
            found[name] = code
        self._codes = found
        self._kind: CodeKind = kind

    @property
    def kind(self) -> CodeKind:
        """``"gtin"`` or ``"sku"``."""
        return self._kind

    @property
    def by_code(self) -> Mapping[str, str]:
        """The class name of each code, for ``Inventory.against(codes=)``."""
        return MappingProxyType({code: name for name, code in self._codes.items()})

    def __getitem__(self, name: str) -> str:
        """Return the code of a class."""
        return self._codes[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the class names."""
        return iter(self._codes)

    def __len__(self) -> int:
        """Return the number of classes with a code."""
        return len(self._codes)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the arguments, so that unpickled codes are checked."""
        return _remade, (dict(self._codes), self._kind)

    def __repr__(self) -> str:
        """Return the kind and the number of codes."""
        return f"<ProductCodes: {self._kind} of {counted(len(self), 'class')}>"


def _remade(codes: dict[str, str], kind: CodeKind) -> ProductCodes:
    return ProductCodes(codes, kind=kind)


def codes_for(codes: Mapping[str, str] | None, class_names: tuple[str, ...]) -> ProductCodes | None:
    """Return the codes of some classes; raise if one is for another class."""
    if codes is None:
        return None
    found = codes if isinstance(codes, ProductCodes) else ProductCodes(codes)
    for name in found:
        if name not in class_names:
            near = lookalike(name, class_names)
            remedy = f"write {near!r}" if near else "leave it out"
            raise InvalidParameterError(
                f"codes must be of the classes {listed(class_names)}, got {name!r}; {remedy}",
                code="unknown-name",
                parameter="codes",
            )
    return found


def codes_of_classes(
    codes: ProductCodes | None,
    class_names: Collection[str],
    *,
    renamed: Mapping[str, str] | None = None,
) -> ProductCodes | None:
    """Return the codes of the classes that are kept, with their new names.

    `renamed` maps old names to new ones. A class that is merged of several has no code, because
    each of them is another product.
    """
    if codes is None:
        return None
    old_names: dict[str, list[str]] = {}
    for old in class_names if renamed is None else renamed:
        old_names.setdefault(old if renamed is None else renamed[old], []).append(old)
    kept = {
        new: codes[old_names[new][0]]
        for new in class_names
        if len(old_names.get(new, ())) == 1 and old_names[new][0] in codes
    }
    return ProductCodes(kept, kind=codes.kind) if kept else None


def joined_codes(several: Iterable[ProductCodes | None], *, parameter: str) -> ProductCodes | None:
    """Return all codes; raise if two give a class another code, or are of two kinds."""
    present = [codes for codes in several if codes]
    if not present:
        return None
    kinds = {codes.kind for codes in present}
    if len(kinds) > 1:
        raise InvalidParameterError(
            f"{parameter} must have product codes of one kind, got 'gtin' and 'sku'; set the codes "
            "of all with with_product_codes",
            code="conflict",
            parameter=parameter,
        )
    found: dict[str, str] = {}
    for codes in present:
        for name, code in codes.items():
            if found.setdefault(name, code) != code:
                raise InvalidParameterError(
                    f"{parameter} must have one product code for each class, got {found[name]!r} "
                    f"and {code!r} for {name!r}; set the codes of all with with_product_codes",
                    code="conflict",
                    parameter=parameter,
                )
    return ProductCodes(found, kind=present[0].kind)


def plain_codes(codes: ProductCodes) -> dict[str, object]:
    """Return the codes as plain JSON values."""
    return {"codes": dict(codes), "kind": codes.kind}


def codes_of_file(fields: object, class_names: tuple[str, ...]) -> ProductCodes:
    """Return the codes from the values of `plain_codes`; raise if they are invalid."""
    if not isinstance(fields, Mapping) or set(fields) != {"codes", "kind"}:
        raise InvalidParameterError(
            f"product codes must have the entries 'codes' and 'kind', got {received(fields)}; copy "
            "the file from its source again",
            code="damaged",
        )
    found = codes_for(ProductCodes(fields["codes"], kind=fields["kind"]), class_names)
    return found if found is not None else ProductCodes({})


def check_digit(digits: str) -> str:
    """Return the check digit that follows the other digits of a GTIN."""
    weighted = (int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits)))
    return str(-sum(weighted) % 10)


def _checked(value: object, name: str, kind: CodeKind) -> str:
    code = clean_name(identifier(value, name="codes"))
    if is_damaged_code(code):
        raise InvalidParameterError(
            f"codes must be unchanged, got {code!r} for {name!r}, which a spreadsheet converted to "
            "a number; write it as text with all digits",
            code="lost-digits",
            parameter="codes",
        )
    if kind == "sku":
        if not 0 < len(code) <= _LONGEST:
            raise InvalidParameterError(
                f"codes must have 1 to {_LONGEST} characters, got {len(code)} for {name!r}; "
                "correct it",
                code="wrong-length",
                parameter="codes",
            )
        return code
    if not (code.isascii() and code.isdigit()) or len(code) not in _GTIN_LENGTHS:
        raise InvalidParameterError(
            f"codes must be GTINs of 8, 12, 13 or 14 digits, got {received(code)} for {name!r}; "
            "write it as text with its leading zeros, or pass kind='sku' for other codes",
            code="wrong-length",
            parameter="codes",
        )
    if check_digit(code[:-1]) != code[-1]:
        raise InvalidParameterError(
            f"codes must have a correct check digit, got {code!r} for {name!r}, whose last digit "
            f"should be {check_digit(code[:-1])}; correct the digits, or pass kind='sku'",
            code="wrong-check-digit",
            parameter="codes",
        )
    return code
