"""The cloudservers API of Huawei Cloud."""
