module empty-service

go 1.24
