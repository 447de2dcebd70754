from ipaddress import ip_address, ip_network

# The network of examples (RFC 5737): forty addresses to a city.
NETWORK = ip_network("198.51.100.0/24")
CITIES = ("深圳", "北京", "上海", "成都", "乌鲁木齐")
ADDRESSES = 40


class Provider:
    """198.51.100.0–39 is 深圳, 40–79 北京, 80–119 上海, 120–159 成都, 160–199 乌鲁木齐; no other address is known."""

    def city_of(self, ip: str) -> str:
        address = ip_address(ip)
        if address not in NETWORK:
            return ""
        number = address.packed[-1] // ADDRESSES
        return CITIES[number] if number < len(CITIES) else ""
