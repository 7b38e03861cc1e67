namespace Ling.FineTune;

/// <summary>The command line , the data or the folder asks for what cannot be done; the message is one line for the user.</summary>
public sealed class UsageException(string message) : Exception(message);
