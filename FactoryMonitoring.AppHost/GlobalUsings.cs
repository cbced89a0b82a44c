global using FactoryMonitoring.Contracts.Control;
