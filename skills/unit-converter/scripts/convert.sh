#!/bin/sh
# Converts a quantity: convert.sh NUMBER FROM TO, or convert.sh list
set -eu
if [ "${1:-}" != list ] && [ $# -ne 3 ]; then
    echo "usage: convert.sh NUMBER FROM TO | convert.sh list" >&2
    exit 2
fi
LC_ALL=C awk -v NUMBER="${1:-}" -v FROM="${2:-}" -v TO="${3:-}" '
function kind(name, text,   parts, count, i, pair) {
    kinds[++many] = name
    units[name] = text
    count = split(text, parts, " ")
    for (i = 1; i <= count; i++) { split(parts[i], pair, "="); of[pair[1]] = name; factor[pair[1]] = pair[2] }
}
function shown(number) { return number == 0 ? "0" : sprintf("%.8g", number) }
BEGIN {
    kind("length", "m=1 km=1000 cm=0.01 mm=0.001 um=0.000001 nm=0.000000001 in=0.0254 ft=0.3048 yd=0.9144 mi=1609.344 nmi=1852")
    kind("mass", "kg=1 g=0.001 mg=0.000001 t=1000 lb=0.45359237 oz=0.028349523125 st=6.35029318 ton=907.18474")
    kind("volume", "l=1 ml=0.001 cl=0.01 dl=0.1 m3=1000 cm3=0.001 gal=3.785411784 qt=0.946352946 pt=0.473176473 cup=0.2365882365 floz=0.0295735295625 tbsp=0.01478676478125 tsp=0.00492892159375 impgal=4.54609 imppt=0.56826125")
    kind("area", "m2=1 km2=1000000 cm2=0.0001 ha=10000 acre=4046.8564224 ft2=0.09290304 in2=0.00064516 mi2=2589988.110336")
    kind("speed", "mps=1 kmh=0.277777777777778 mph=0.44704 kn=0.514444444444444 fps=0.3048")
    kind("time", "s=1 ms=0.001 us=0.000001 min=60 h=3600 d=86400 week=604800 year=31557600")
    kind("data", "B=1 bit=0.125 kB=1000 MB=1000000 GB=1000000000 TB=1000000000000 KiB=1024 MiB=1048576 GiB=1073741824 TiB=1099511627776 Mbit=125000 Gbit=125000000")
    kind("energy", "J=1 kJ=1000 MJ=1000000 cal=4.184 kcal=4184 Wh=3600 kWh=3600000 BTU=1055.05585262 eV=0.0000000000000000001602176634")
    kind("pressure", "Pa=1 kPa=1000 hPa=100 bar=100000 mbar=100 atm=101325 psi=6894.757293168 mmHg=133.322387415")
    if (NUMBER == "list") {
        for (i = 1; i <= many; i++) { text = units[kinds[i]]; gsub(/=[0-9.]+/, "", text); print kinds[i] ": " text }
        print "temperature: C F K"
        exit
    }
    if (NUMBER !~ /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$/) {
        print "convert.sh: " NUMBER " is no number" > "/dev/stderr"; exit 2
    }
    heat = "CFK"
    if (length(FROM) == 1 && length(TO) == 1 && index(heat, FROM) && index(heat, TO)) {
        kelvin = FROM == "C" ? NUMBER + 273.15 : FROM == "F" ? (NUMBER + 459.67) * 5 / 9 : NUMBER + 0
        if (kelvin < 0) { print "convert.sh: nothing is colder than 0 K" > "/dev/stderr"; exit 1 }
        result = TO == "C" ? kelvin - 273.15 : TO == "F" ? kelvin * 9 / 5 - 459.67 : kelvin
    } else {
        for (i = 1; i <= 2; i++) {
            unit = i == 1 ? FROM : TO
            if (!(unit in of)) { print "convert.sh: " unit " is no unit here; see convert.sh list" > "/dev/stderr"; exit 1 }
        }
        if (of[FROM] != of[TO]) {
            print "convert.sh: " FROM " is " of[FROM] " and " TO " is " of[TO] > "/dev/stderr"; exit 1
        }
        result = NUMBER * factor[FROM] / factor[TO]
    }
    print NUMBER " " FROM " = " shown(result) " " TO
}'
