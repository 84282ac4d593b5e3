"""Words of the demo county's events: invented matters at places without house numbers, no real persons."""

from __future__ import annotations

PLACES = ("主街", "路口", "小学旁", "农贸市场", "河堤路段", "桥头", "新村小区", "幼儿园门口", "公交站旁", "村部附近",
          "安置小区", "老街", "水渠边", "村道转弯处", "文化广场", "卫生室旁")
SURNAMES = "王李张刘陈杨黄赵周吴徐孙朱马胡林郭何高罗"
URGENT = frozenset({"util_gas", "fac_manhole", "safe_fire", "safe_geo", "safe_flood", "safe_tree", "safe_forest"})

MATTERS: dict[str, tuple[str, ...]] = {
    "city_garbage": ("{p}垃圾桶满溢未清运", "{p}建筑垃圾堆放多日", "{p}卫生死角无人清扫"),
    "city_stall": ("{p}流动摊贩占道经营", "{p}店铺出店经营影响通行"),
    "city_ad": ("{p}墙面张贴小广告", "{p}广告牌破损有坠落风险"),
    "city_green": ("{p}绿化带缺株枯死", "{p}行道树遮挡路灯"),
    "fac_lamp": ("{p}路灯不亮", "{p}路灯白天不灭", "{p}连续三盏路灯损坏"),
    "fac_manhole": ("{p}井盖缺失", "{p}井盖松动异响", "{p}智能井盖倾斜报警"),
    "fac_road": ("{p}路面坑洼积水", "{p}路面塌陷需修补", "{p}护栏损坏"),
    "fac_drain": ("{p}下水道堵塞污水外溢", "{p}雨水口堵塞"),
    "util_water": ("{p}停水无通知", "{p}自来水水压低", "{p}家中无水，询问恢复时间"),
    "util_power": ("{p}突然停电", "{p}电压不稳", "{p}停电询问抢修进度"),
    "util_gas": ("{p}疑似燃气味", "{p}燃气浓度超限报警"),
    "util_net": ("{p}宽带中断", "{p}手机信号弱", "{p}通信线缆低垂"),
    "traf_parking": ("{p}车辆占用消防通道", "{p}车辆占道停放堵住出口"),
    "traf_signal": ("{p}信号灯不亮", "{p}信号灯时长不合理"),
    "traf_bus": ("{p}公交班次少", "{p}候车亭损坏"),
    "env_noise": ("{p}夜间施工噪声扰民", "{p}广场舞音响扰民", "{p}门店喇叭噪声"),
    "env_air": ("{p}工地扬尘未覆盖", "{p}焚烧垃圾气味难闻", "{p}餐饮油烟扰民"),
    "env_water": ("{p}污水直排沟渠", "{p}沟渠水体发黑发臭"),
    "house_property": ("{p}物业不作为", "{p}电梯故障多日未修", "{p}物业收费有异议"),
    "house_illegal": ("{p}疑似违法搭建", "{p}楼顶加盖"),
    "house_quality": ("{p}房屋渗水", "{p}外墙脱落"),
    "labor_wage": ("{p}工地拖欠工资", "{p}工厂拖欠加班费"),
    "labor_social": ("咨询养老保险缴费", "咨询失业金申领"),
    "mkt_consumer": ("{p}商家拒不退款", "{p}预付卡无法消费"),
    "mkt_food": ("{p}购买食品变质", "{p}餐馆卫生差"),
    "pub_school": ("咨询入学条件", "{p}放学时段拥堵", "{p}校外培训退费"),
    "pub_health": ("咨询医保报销", "{p}就诊排队时间长"),
    "rural_living": ("{p}农村厕所改造未完成", "{p}畜禽粪污气味大", "{p}垃圾池未清"),
    "rural_land": ("{p}宅基地边界纠纷", "{p}土地流转租金未付"),
    "rural_subsidy": ("咨询种粮补贴发放", "{p}惠农补贴未到账"),
    "dispute_neighbor": ("{p}邻里排水纠纷", "{p}邻里采光纠纷"),
    "dispute_group": ("{p}多户反映交房逾期", "{p}多名村民反映征地补偿"),
    "safe_fire": ("{p}楼道堆物堵塞消防通道", "{p}电动车入户充电", "{p}消防栓无水"),
    "safe_work": ("{p}工地无防护作业", "{p}小作坊安全隐患"),
    "safe_geo": ("{p}屋后边坡有裂缝", "{p}山体少量滑塌"),
    "safe_flood": ("{p}道路积水车辆无法通行", "{p}低洼房屋进水", "{p}涵洞积水"),
    "safe_tree": ("{p}大树倒伏阻断道路", "{p}断枝压住电线"),
    "safe_forest": ("{p}山边焚烧秸秆", "{p}野外用火冒烟"),
    "gov_advice": ("咨询营业执照办理", "咨询不动产登记材料", "咨询身份证异地办理", "咨询公积金提取"),
}
# share of an ordinary day's intake
WEIGHTS: dict[str, float] = {
    "city_garbage": 6, "city_stall": 7, "city_ad": 3, "city_green": 3, "fac_lamp": 4, "fac_manhole": 3, "fac_road": 4,
    "fac_drain": 4, "util_water": 2, "util_power": 2, "util_gas": 1, "util_net": 2, "traf_parking": 8, "traf_signal": 2,
    "traf_bus": 2, "env_noise": 6, "env_air": 4, "env_water": 2, "house_property": 6, "house_illegal": 2,
    "house_quality": 2, "labor_wage": 3, "labor_social": 3, "mkt_consumer": 4, "mkt_food": 2, "pub_school": 3,
    "pub_health": 3, "rural_living": 5, "rural_land": 3, "rural_subsidy": 2, "dispute_neighbor": 3, "dispute_group": 1,
    "safe_fire": 4, "safe_work": 2, "safe_geo": 0.4, "safe_flood": 0.2, "safe_tree": 0.4, "safe_forest": 1,
    "gov_advice": 7,
}
CHANNELS = ("hotline", "grid", "urban", "web", "petition", "iot")
# category's group → shares of the channels above
CHANNEL_SHARES: dict[str, tuple[float, ...]] = {
    "city": (3, 3, 5, 0.4, 0.1, 0), "fac": (3, 3, 4, 0.5, 0.1, 0), "util": (8, 1, 0.3, 0.7, 0.1, 0),
    "traf": (5, 1, 3, 0.7, 0.1, 0), "env": (6, 2, 1, 1, 0.3, 0), "house": (6, 1, 0.5, 1.5, 1, 0),
    "labor": (6, 0.7, 0, 1, 1.2, 0), "mkt": (8, 0.4, 0, 1, 0.1, 0), "pub": (7, 0.4, 0, 1.6, 0.2, 0),
    "rural": (4, 5, 0, 0.8, 0.8, 0), "dispute": (2, 5, 0, 0.6, 1.6, 0), "safe": (3, 5, 2, 0.2, 0.1, 0),
    "gov": (9, 0.3, 0, 1.5, 0.1, 0),
}
HOURLY = (0.5, 0.35, 0.25, 0.2, 0.25, 0.5, 1.4, 3.0, 5.6, 7.6, 7.8, 6.6, 4.3, 4.0, 5.4, 6.4, 6.3, 5.4, 4.2, 4.4, 4.2,
          3.2, 1.9, 1.0)
DETAIL = {
    "hotline": "来电人反映：{title}，希望有关部门核实处理并回复。",
    "grid": "网格员巡查发现：{title}，已拍照上报。",
    "urban": "采集员巡查发现：{title}，现场已设提示。",
    "web": "网民留言：{title}，请有关部门答复。",
    "petition": "来访反映：{title}，请责任单位依法依规办理。",
    "iot": "设备自动报警：{title}，请现场核实。",
}


def title_of(category: str, village: str, draw: float, place_draw: float) -> str:
    """A title for an event of `category` in `village`; draws in [0, 1)."""
    choices = MATTERS.get(category, ("{p}反映事项",))
    place = village + PLACES[int(place_draw * len(PLACES))]
    return choices[int(draw * len(choices))].format(p=place)


def reporter_of(channel: str, draw: float) -> str | None:
    """A caller as the source system hands him over: surname and masked number; None where staff or devices report."""
    if channel in ("grid", "urban", "iot"):
        return None
    tail = int(draw * 10_000)
    return f"{SURNAMES[tail % len(SURNAMES)]}** 1{3 + tail % 7}*******{tail % 100:02d}"
