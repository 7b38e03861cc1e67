namespace Ling.Chat;

/// <summary>The command line or the folder asks for what cannot be done; the message is one line for the user.</summary>
public sealed class UsageException(string message) : Exception(message);
